import { defineRoom } from '@alcove/core/schema/define-room';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { queryFilters } from './query-filters.ts';

const shifts = sqliteTable('shifts', { id: text().primaryKey(), start: integer(), end: integer(), window: integer(), who: text() });
const { model } = defineRoom({ name: 'plan', schema: { shifts }, mutators: {} });
const conditions = (where: string): number | undefined =>
  queryFilters(model, `SELECT id FROM shifts WHERE ${where} ORDER BY id`, []).get('shifts')?.[0]?.conditions.length;

describe('conditions of a query', () => {
  it.each([
    ["start = 1 AND who = 'ann'", 2],
    ['"end" = 1 AND "window" = 2', 2],
    ["CASE WHEN start = 1 THEN 0 ELSE 1 END = 1 AND who = 'ann'", 1],
  ])('[QR-8] narrow what can change it: %s', (where, expected) => {
    expect(conditions(where)).toBe(expected);
  });

  it('[QR-10] are not read where SQLite and JavaScript may read two numbers in one literal', () => {
    expect(conditions('start = 31272.021677018')).toBe(1);
    expect(conditions('start = 31272321970.021677018')).toBeUndefined();
    expect(conditions('start > 31272321970.021677018')).toBeUndefined();
  });

  it.each([
    "end = 1 OR (start = 1 AND who = 'ann' AND id = 'a')",
    "CASE WHEN end = 1 AND who = 'ann' AND start = 1 THEN 1 ELSE 0 END",
    "who = 'ann' AND window = 1 OR start = 2",
  ])('[QR-10] are not read where a column is named by a word of SQL: %s', (where) => {
    expect(conditions(where)).toBeUndefined();
  });
});
