import { itemAt } from './bench-room.ts';

export const ITEMS = 20_000;
const LISTS = ITEMS / 50;

/** Reads as apps have them, by what they cost: a row by its key, a page of 50 rows, figures over all rows, and what takes a processor for some 100 ms. */
export const READ_KINDS = {
  lookup: { sql: 'SELECT id, list, title, position, done FROM items WHERE id = ?', paramOf: (nth: number) => itemAt(nth % ITEMS).id },
  list: { sql: 'SELECT id, title, position, done FROM items WHERE list = ? ORDER BY position', paramOf: (nth: number) => nth % LISTS },
  report: {
    sql: 'SELECT list / 20 AS part, count(*) AS items, sum(position) AS positions, max(title) AS last, sum(done) AS done FROM items WHERE position >= ? GROUP BY part ORDER BY positions DESC LIMIT 10',
    paramOf: (nth: number) => nth % 100,
  },
  analysis: {
    sql: `SELECT part, max(place) AS places, sum(above) AS above FROM (
      SELECT list / 20 AS part, rank() OVER (PARTITION BY list / 20 ORDER BY title DESC) AS place,
        position - max(position) OVER (ORDER BY title ROWS BETWEEN 200 PRECEDING AND CURRENT ROW) AS above
      FROM items WHERE position >= ?) GROUP BY part ORDER BY above DESC LIMIT 10`,
    paramOf: (nth: number) => nth % 100,
  },
} as const;

export type ReadKind = keyof typeof READ_KINDS;
