/** What the threads of the bare pools run. */
import { step } from './threads.js';

// eslint-disable-next-line no-restricted-syntax -- tinypool and piscina call the default export
export default step;
