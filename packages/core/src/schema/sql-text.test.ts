import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { isLiteral, normalSql, sqlLiteral, sqlText } from './sql-text.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), visits: integer('visit "count"') });

describe('sqlText', () => {
  it('[SC-8] writes values as literals and columns without their table', () => {
    expect(sqlText(sql`${stops.visits} > ${3} AND ${stops.id} <> ${"it's"} OR ${true}`)).toBe(
      `"visit ""count""" > 3 AND "id" <> 'it''s' OR 1`,
    );
  });

  it('[SC-8] writes blobs and refuses what has no literal', () => {
    expect(sqlLiteral(new Uint8Array([0, 255]))).toBe(`X'00ff'`);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 'a\0b', {}, undefined]) {
      expect(() => sqlLiteral(value)).toThrow(expect.objectContaining({ code: 'schema_invalid' }));
    }
  });
});

describe('isLiteral', () => {
  it.each(['1', '-1.5', '+2', '1e10', '.5', "'a''b'", "x'00'", 'NULL', 'true'])('takes %s', (text) => expect(isLiteral(text)).toBe(true));
  it.each(['(1)', '1 + 1', "'a' || 'b'", 'lower(1)', "x'0'", 'CURRENT_TIMESTAMP', '"a"'])('does not take %s', (text) =>
    expect(isLiteral(text)).toBe(false),
  );
});

describe('normalSql', () => {
  it.each([
    ['"stops"."id" > 3', 'id>3'],
    ['`stops`.[id] > 3', '"ID" > 3'],
    ['( ( id > 3 ) )', 'id /* three */ > 3'],
    ['id IN (1, 2)', 'ID in(1,2)'],
  ])('[SC-15] spells %s and %s alike', (a, b) => {
    expect(normalSql(a, 'stops')).toBe(normalSql(b, 'stops'));
  });

  it.each([
    ["id = 'A'", "id = 'a'"],
    ['other.id > 3', 'id > 3'],
    ['(id) > (3)', '(id > 3)'],
    ['id > 3', 'id >= 3'],
  ])('[SC-15] tells %s from %s', (a, b) => {
    expect(normalSql(a, 'stops')).not.toBe(normalSql(b, 'stops'));
  });
});
