/** Parameters that are files of a multipart form. */
import { ParameterFault, type RequestSource } from './parameter.js';
import { requestToken, type HttpRequest } from './request.js';
import type { UploadedFile } from './uploaded-file.js';

/** Options of `@File` and `@Files`. */
export interface FileOptions {
  /** Missing means `undefined` (for `@Files` an empty array) instead of a fault. */
  readonly optional?: boolean;
}

/** The parameter that is the one file with a name. */
export function fileSource(name: string, { optional = false }: FileOptions): RequestSource {
  return sourceOf(name, !optional, (request) => {
    const files = filesOf(request, name);
    if (files.length > 1) throw fault(name, 'is given more than once');
    if (files.length === 0 && !optional) throw fault(name, 'is required');
    return files[0];
  });
}

/** The parameter that is all files with a name. */
export function filesSource(name: string, { optional = false }: FileOptions): RequestSource {
  return sourceOf(name, !optional, (request) => {
    const files = filesOf(request, name);
    if (files.length === 0 && !optional) throw fault(name, 'is required');
    return files;
  });
}

function sourceOf(
  name: string,
  required: boolean,
  read: (request: HttpRequest) => unknown,
): RequestSource {
  return {
    from: requestToken,
    name: `file "${name}"`,
    location: 'file',
    key: name,
    reads: 'form',
    required,
    reader: () => read,
  };
}

function filesOf({ form }: HttpRequest, name: string): UploadedFile[] {
  return [...(form?.files.get(name) ?? [])];
}

function fault(path: string, message: string): ParameterFault {
  return new ParameterFault({ location: 'file', path, message });
}
