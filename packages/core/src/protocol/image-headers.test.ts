import { describe, expect, it } from 'vitest';
import { IMAGE_HEADERS, imageHeaders, readImageHeaders } from './image-headers.ts';

const facts = { historyId: 'h1', version: 12, hash: 'ab', schema: 's', view: '', bytes: 4096, sha256: 'f'.repeat(64), rows: 3 };

describe('image headers', () => {
  it('come back as they were written', () => {
    const headers = imageHeaders(facts);
    expect(readImageHeaders((name) => headers[name] ?? null)).toEqual(facts);
  });

  it('say which header is missing or no count', () => {
    for (const name of Object.values(IMAGE_HEADERS)) {
      const headers: Record<string, string> = imageHeaders(facts);
      delete headers[name];
      expect(() => readImageHeaders((asked) => headers[asked] ?? null)).toThrow(
        expect.objectContaining({ code: 'snapshot_failed', message: expect.stringContaining(name) }),
      );
    }
    for (const version of ['', '-1', '1.5', '1e3', '9'.repeat(16)]) {
      const headers: Record<string, string> = { ...imageHeaders(facts), [IMAGE_HEADERS.version]: version };
      expect(() => readImageHeaders((asked) => headers[asked] ?? null)).toThrow(expect.objectContaining({ code: 'snapshot_failed' }));
    }
  });
});
