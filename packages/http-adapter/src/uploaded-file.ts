/** A file of a multipart form, as parameters get it. */
import { Portable } from '@turno/core';

/** A file that was uploaded, in memory. It crosses to threads, where its bytes are copied. */
@Portable()
export class UploadedFile {
  constructor(
    /** Name of the field of the form. */
    readonly name: string,
    /** As the client says it, without a path; do not make one of it. */
    readonly filename: string,
    /** The media type that the client says: `image/png`. Nobody has looked whether it is one. */
    readonly type: string,
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {}

  /** In bytes. */
  get size(): number {
    return this.bytes.length;
  }

  /** The bytes as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.bytes);
  }
}
