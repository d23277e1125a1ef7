import { createHash } from 'node:crypto';
import { Controller, File, Form, Post, UploadedFile } from '@turno/http-adapter';

@Controller('/photos')
export class Photos {
  @Post() // not async: hashed in a thread
  add(@Form('title') title: string, @File('photo') photo: UploadedFile) {
    const hash = createHash('sha256').update(photo.bytes).digest('hex');
    return { title, filename: photo.filename, size: photo.size, hash };
  }
}
