/** The published files, in which a bundler has joined the modules: decorators still know where they stand. */
import { expect, it } from '@jest/globals';
import { NotFound, Reply, RequestInfo } from '@turno/http-adapter';
// Records are the same for all copies of the core in one realm.
import { findRecord } from '../../core/dist/record.js';

it.each([NotFound, Reply, RequestInfo])(
  'knows %p by the file that threads import for it',
  (type) => {
    expect(findRecord(type)?.id).toMatch(
      new RegExp(`/http-adapter/bundle/index\\.js#${type.name}$`),
    );
  },
);
