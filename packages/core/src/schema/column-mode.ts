import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';

/** Drizzle's kinds of columns that not every engine and browser can hold, and what to use instead. */
const REFUSED: ReadonlyMap<string, readonly [problem: string, instead: string]> = new Map([
  ['SQLiteBigInt', ['is a bigint in a blob, which only Node can write', 'Use integer() up to 2^53-1, or text() for larger ones.']],
  [
    'SQLiteNumericBigInt',
    ['is a bigint in a numeric, which no engine gives back above 2^53-1', 'Use integer() up to 2^53-1, or text() for larger ones.'],
  ],
  ['SQLiteBlobJson', ['is JSON in a blob, which only Node can write', "Use text({ mode: 'json' })."]],
]);

/** Why a column of this mode cannot be in a room, with what to use instead; undefined where it can. */
export const refusedMode = (column: SQLiteColumn): readonly [problem: string, instead: string] | undefined =>
  REFUSED.get(column.columnType);
