/** turno without threads, as long as no handler needs them. */
export { startOnLoop as start } from './turno.js';
