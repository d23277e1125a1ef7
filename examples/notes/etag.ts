/** Entity tags: by them a client says which version of a note it knows. */
import { createParameter, HttpError } from '@turno/http-adapter';

/** The tag of a version. */
export function etagOf({ version }: { readonly version: number }): string {
  return `"${version}"`;
}

/** Whether an `If-Match` or `If-None-Match` header names the tag. */
export function names(header: string, etag: string): boolean {
  return header.split(',').some((each) => each.trim() === etag || each.trim() === '*');
}

/** The `If-Match` header. Who changes a note has to say which version: 428 otherwise. */
export const IfMatch = createParameter((request): string => {
  const header = request.headers['if-match'];
  if (header !== undefined) return header;
  throw new HttpError(428, 'Send the ETag of the note that you know: `If-Match: "1"`.');
});
