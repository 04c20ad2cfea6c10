import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { type MirrorOptions, resolveMirror, shownUrl } from './mirror-options.ts';

const rows = sqliteTable('rows', { id: text().primaryKey() });
const rooms = new Map(['trip', 'note'].map((name) => [name, defineRoom({ name, schema: { rows }, mutators: {} })]));
const url = 'postgres://writer:s3cret@db.example:5432/app?sslmode=require&password=s3cret';

const refusal = (given: unknown, environment = {}): AlcoveError => {
  try {
    resolveMirror(given as MirrorOptions, environment, rooms); // whatever an app without types hands over
  } catch (error) {
    return AlcoveError.from(error);
  }
  throw new AlcoveError('internal', 'it was taken');
};

describe('[MI-11] options of a mirror', () => {
  it('have defaults; the environment says what they do not', () => {
    expect(resolveMirror(undefined, {}, rooms)).toBeNull();
    expect(resolveMirror(undefined, { ALCOVE_MIRROR_URL: '' }, rooms)).toBeNull();
    expect(resolveMirror({ url }, {}, rooms)).toEqual({
      url,
      prefix: 'alcove',
      rooms: ['trip', 'note'],
      batchMs: 100,
      batchChanges: 500,
      retentionMs: 2_592_000_000,
      checkIntervalMs: 3_600_000,
      connections: 2,
    });
    const environment = { ALCOVE_MIRROR_URL: url, ALCOVE_MIRROR_PREFIX: 'theirs' };
    expect(resolveMirror(undefined, environment, rooms)).toMatchObject({ url, prefix: 'theirs' });
    expect(resolveMirror({ prefix: 'ours', rooms: ['note'] }, environment, rooms)).toMatchObject({ url, prefix: 'ours', rooms: ['note'] });
  });

  it.each([
    [{}, /mirror\.url is missing/],
    [{ url: 'mysql://writer:s3cret@db/app' }, /mirror\.url must look like/],
    [{ url: 'postgres://writer:s3cret@db' }, /mirror\.url must look like/],
    [{ url: 'postgres://writer:s3cret@/app' }, /mirror\.url must look like/],
    [{ url: 'postgres://writer:s3cret%@db/app' }, /mirror\.url must look like/],
    [{ url: 'postgres://writer:s3cret@db:65536/app' }, /mirror\.url must look like/],
    [{ url: 7 }, /mirror\.url must look like/],
    [{ url, prefix: 'A' }, /mirror\.prefix must be/],
    [{ url, rooms: [] }, /mirror\.rooms must be a list/],
    [{ url, rooms: ['trips'] }, /mirror\.rooms names "trips", but rooms holds only: trip, note/],
    [{ url, batchMs: -1 }, /mirror\.batchMs must be a whole number from 0 to 60000, and is -1/],
    [{ url, batchChanges: 0 }, /mirror\.batchChanges/],
    [{ url, retentionMs: 'long' }, /mirror\.retentionMs/],
    [{ url, checkIntervalMs: 1.5 }, /mirror\.checkIntervalMs/],
    [{ url, connections: 100 }, /mirror\.connections must be a whole number from 1 to 32/],
    [{ url, batch: 1 }, /batch/],
  ])('%j is refused by name, without what the url holds', (given, message) => {
    const error = refusal(given);
    expect(error.code).toBe('option_invalid');
    expect(error.message).toMatch(message);
    expect(error.message + error.hint).not.toContain('s3cret');
  });

  it('of the environment are named by their variable', () => {
    expect(refusal(undefined, { ALCOVE_MIRROR_URL: 'http://s3cret@db/app' }).message).toMatch(/^ALCOVE_MIRROR_URL must look like/);
    expect(refusal({ url }, { ALCOVE_MIRROR_PREFIX: '9' }).message).toMatch(/ALCOVE_MIRROR_PREFIX must be/);
  });

  it.each([
    [url, 'postgres://db.example:5432/app'],
    ['postgresql://a:b%40c@h/d', 'postgresql://h/d'],
    ['postgres://h/d', 'postgres://h/d'],
    ['postgres://a:p@ss@h/d', 'postgres://h/d'],
  ])('%s is shown as %s', (given, shown) => {
    expect(shownUrl(resolveMirror({ url: given }, {}, rooms)?.url ?? '')).toBe(shown);
  });
});
