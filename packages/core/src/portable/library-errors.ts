/** Makes the library's own errors portable. */
import * as errors from '../errors.js';
import { bare } from '../own.js';
import { recordWithId } from '../record.js';

for (const [name, type] of Object.entries(errors)) {
  if (typeof type === 'function' && type.prototype instanceof errors.TurnoError) {
    recordWithId(type, `turno#${name}`).portable = bare({});
  }
}
