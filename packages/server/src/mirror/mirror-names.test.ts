import { defineRoom } from '@alcove/core/schema/define-room';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { checkNames, checkPrefix, MirrorNames } from './mirror-names.ts';

const roomWith = (table: string, column: string, name = 'trip') => {
  const rows = sqliteTable(table, { id: text().primaryKey(), column: integer(column) });
  return [{ name, model: defineRoom({ name, schema: { rows }, mutators: {} }).model }];
};
const names = new MirrorNames('alcove');

describe('[MI-2] names of a mirror', () => {
  it('are quoted as they stand in SQL', () => {
    expect(names.tableOf('my-trip', 'say "x"')).toBe('"alcove_my-trip"."say ""x"""');
    expect(names.watermarks).toBe('"alcove".watermarks');
  });

  it.each(['Alcove', '1a', 'pg', 'plpgsql', 'pg_x', '', 'a'.repeat(31), 'a-b', 'a"b', 7, null])('the prefix %j is refused', (prefix) => {
    expect(() => checkPrefix('mirror.prefix', prefix)).toThrow(/mirror\.prefix must be/);
  });

  it('the prefix may be 30 characters', () => {
    expect(checkPrefix('mirror.prefix', 'a'.repeat(30))).toHaveLength(30);
  });

  it('63 bytes are taken and 64 refused, of tables, columns and schemas', () => {
    expect(() => checkNames(names, roomWith('t'.repeat(63), 'c'.repeat(63)))).not.toThrow();
    expect(() => checkNames(names, roomWith('t'.repeat(64), 'c'))).toThrow(/of 64 bytes; PostgreSQL takes 63/);
    expect(() => checkNames(names, roomWith('t', `${'c'.repeat(61)}é`))).not.toThrow();
    expect(() => checkNames(names, roomWith('t', `${'c'.repeat(62)}é`))).toThrow(/of 64 bytes/);
    expect(() => checkNames(names, roomWith('t', 'c', 'r'.repeat(57)))).toThrow(/schema of room/);
  });

  it('a column that PostgreSQL or the mirror has by itself is refused with what to do', () => {
    expect(() => checkNames(names, roomWith('t', 'room_id'))).toThrow(
      expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining('Rename') }),
    );
    expect(() => checkNames(names, roomWith('t', 'xmin'))).toThrow(/PostgreSQL keeps for itself/);
  });
});
