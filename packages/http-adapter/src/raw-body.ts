/** The parameter that is the body as text or bytes, of whatever media type. */
import { isUtf8 } from 'node:buffer';
import type { ParameterInfo } from '@turno/core';
import { typeName } from './conversion.js';
import { BadRequest } from './http-error.js';
import { ParameterFault, type RequestSource } from './parameter.js';
import { requestToken } from './request.js';

/** What a body is taken as, instead of JSON. */
export type RawBody = 'text' | 'bytes';

export function rawBodySource(as: RawBody, optional: boolean): RequestSource {
  const read = (bytes: Buffer | undefined): unknown => {
    if (bytes !== undefined) return as === 'text' ? textOf(bytes) : bytes;
    if (optional) return undefined;
    throw new ParameterFault({ location: 'body', path: '', message: 'is required' });
  };
  return {
    from: requestToken,
    name: `body as ${as}`,
    location: 'body',
    key: '',
    reads: 'bytes',
    required: !optional,
    reader(parameter) {
      refuseOtherType(parameter, as);
      return ({ bytes }) => read(bytes);
    },
    late: {
      pick: ({ bytes }) => bytes,
      reader: () => (bytes) => read(bytes as Buffer | undefined),
      isCheap: () => true,
    },
  };
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new BadRequest('The body is not valid UTF-8.');
  return bytes.toString('utf8');
}

/** Of what is no class (a union, say) the metadata does not tell. */
function refuseOtherType({ type }: ParameterInfo, as: RawBody): void {
  if (typeof type !== 'function' || type === Object) return;
  const isFit = as === 'text' ? type === String : type === Buffer || type === Uint8Array;
  if (isFit) return;
  throw new TypeError(
    `it is declared as ${typeName(type)}, but @Body({ as: '${as}' }) makes a ${as === 'text' ? 'string' : 'Buffer'} of it; declare it as that.`,
  );
}
