import type { Database } from 'sql.js';
import { itemAt } from '../bench-room.ts';

/** A board's table by hand, with `items` rows. */
export function fillBoard(database: Database, items: number): void {
  database.run('CREATE TABLE items (id TEXT PRIMARY KEY, list INTEGER, title TEXT, position INTEGER, done INTEGER)');
  database.run('CREATE INDEX items_list ON items (list, position)');
  const insert = database.prepare('INSERT INTO items VALUES (?, ?, ?, ?, 0)');
  database.run('BEGIN');
  for (let index = 0; index < items; index += 1) {
    const { id, list, title, position } = itemAt(index);
    insert.run([id, list, title, position]);
  }
  database.run('COMMIT');
  insert.free();
}
