import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from './model-codec.ts';
import { roomModelOf } from './room-model-of.ts';

const parents = sqliteTable('parents', { id: integer().primaryKey() });
const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  parent: integer().references(() => parents.id),
  mark: text().unique().default('x'),
});
const model = roomModelOf({ parents, stops }, { serverOnly: ['parents'], withoutRowid: ['stops'] });

describe('encodeModel and decodeModel', () => {
  it('[SC-9] give a model back as it was', () => {
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  it.each(['', '{', '{}', '{"schemaId":"x","tables":[{"name":"t"}]}'])('refuses %j', (text) => {
    expect(() => decodeModel(text)).toThrow(expect.objectContaining({ code: 'file_damaged' }));
  });
});
