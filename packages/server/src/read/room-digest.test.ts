import { defineRoom } from '@alcove/core/schema/define-room';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { type DigestCell, DigestSum, differingTables, digestTables, type RoomDigest } from './room-digest.ts';
import { rowHash } from './row-hash.ts';

const runtime = new FakeRuntime();

function sumOf(...rows: readonly (readonly DigestCell[])[]): string {
  const sum = new DigestSum(runtime);
  for (const row of rows) sum.add(row);
  expect(sum.rows).toBe(rows.length);
  return sum.checksum;
}

describe('digests', () => {
  it('[RD-79] adds up rows in any order, and none to nothing', () => {
    expect(sumOf()).toBe('0000000000000000');
    expect(sumOf(['a', 1], ['b', 2], ['c', 3])).toBe(sumOf(['c', 3], ['a', 1], ['b', 2]));
    expect(sumOf(['a'], ['a'])).not.toBe(sumOf(['a']));
    expect(sumOf(['a'], ['a'])).not.toBe(sumOf());
  });

  it('[RD-79] hashes a row as what is written down of it', () => {
    // A tag and four bytes of length before each cell: a text of two bytes, a number of three, nothing, a blob of one.
    const row = [2, 0, 0, 0, 2, 0xc3, 0xa9, 1, 0, 0, 0, 3, 0x31, 0x2e, 0x35, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 255];
    const halves = rowHash(Uint8Array.from(row), row.length).map((half) => half.toString(16).padStart(8, '0'));
    expect(sumOf(['é', 1.5, null, Uint8Array.of(255)])).toBe(halves.join(''));
    // Servers of other releases have it the same way.
    expect(halves.join('')).toBe('c9c7648fa24dbb8a');
  });

  it('[RD-79] carries what adds up past 32 bits', () => {
    const rows = Array.from({ length: 1_000 }, (_, at) => [`row ${at}`]);
    const expected = rows.reduce((sum, row) => (sum + BigInt(`0x${sumOf(row)}`)) % 2n ** 64n, 0n);
    expect(sumOf(...rows)).toBe(expected.toString(16).padStart(16, '0'));
  });

  it('[RD-79] spreads rows that hardly differ', () => {
    const hashes = Array.from({ length: 50_000 }, (_, at) => rowHash(runtime.utf8.encode(`id-${at}`), `id-${at}`.length));
    for (const half of [0, 1] as const) {
      expect(new Set(hashes.map((hash) => hash[half])).size).toBeGreaterThan(49_990);
      for (let bit = 0; bit < 32; bit++) {
        const set = hashes.filter((hash) => (hash[half] >>> bit) & 1).length;
        expect(Math.abs(set - 25_000), `bit ${bit}`).toBeLessThan(700);
      }
    }
  });

  it('[RD-79] takes numbers of one value for one, however an engine hands them out', () => {
    for (const [a, b] of [
      [1, 1n],
      [0, -0],
      [2 ** 53, 2n ** 53n],
      [-1e300, BigInt(-1e300)],
      [-5, -5n],
    ] as const)
      expect(sumOf([a]), String(a)).toBe(sumOf([b]));
  });

  it('[RD-79] tells values apart that are not one, and cells that run into each other', () => {
    const rows: readonly (readonly DigestCell[])[] = [
      [],
      [null],
      [null, null],
      [''],
      [new Uint8Array()],
      [0],
      ['0'],
      [Uint8Array.of(48)],
      [1],
      [1.5],
      [Number.POSITIVE_INFINITY],
      ['Infinity'],
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['e\u0301'],
      ['\u00e9'],
      ['x'.repeat(1_000)],
      ['x'.repeat(1_001)],
      [2n ** 63n - 1n],
      [2n ** 63n - 2n],
    ];
    expect(new Set(rows.map((row) => sumOf(row))).size).toBe(rows.length);
  });

  it('[RD-79] is of what leaves the room, by name, without what SQLite computes', () => {
    const zebra = sqliteTable('zebra', {
      id: text().primaryKey(),
      b: integer(),
      loud: text().generatedAlwaysAs(sql`upper(id)`),
      a: integer(),
    });
    const inner = sqliteTable('inner_only', { id: text().primaryKey() });
    const room = defineRoom({ name: 'r', schema: { zebra, inner }, serverOnly: ['inner'], mutators: {} });
    expect(digestTables(room.model).map(({ name }) => name)).toEqual(['alcove_values', 'zebra']);
    expect(digestTables(room.model).at(-1)).toEqual({ name: 'zebra', columns: ['id', 'b', 'a'] });
  });

  it('[RD-79] names the tables that differ', () => {
    const at = { historyId: 'h', version: 1 };
    const digest = (...tables: [string, number, string][]): RoomDigest => ({
      at,
      tables: tables.map(([table, rows, checksum]) => ({ table, rows, checksum })),
    });
    expect(differingTables(digest(['a', 1, 'x'], ['b', 2, 'y']), digest(['b', 2, 'y'], ['a', 1, 'x']))).toEqual([]);
    expect(differingTables(digest(['a', 1, 'x'], ['b', 2, 'y'], ['c', 0, '']), digest(['a', 1, 'z'], ['b', 3, 'y']))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });
});
