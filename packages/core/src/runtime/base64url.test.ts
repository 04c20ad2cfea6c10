import { Buffer } from 'node:buffer';
import { fc } from '../../../../test/fake/properties.ts';
import { it } from 'vitest';
import { base64Url } from './base64url.ts';

it('base64Url writes what Node writes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => base64Url(bytes) === Buffer.from(bytes).toString('base64url')));
});
