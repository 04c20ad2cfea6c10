import { defineRoom, mutator } from '@alcove/core';
import type { RoomRules } from '@alcove/core';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { append, playground } from './playground.ts';
import type { RuledTables } from './playground.ts';

const tallies = sqliteTable('tallies', { name: text().primaryKey(), n: integer().notNull(), note: text() });
const marks = sqliteTable('marks', { id: text().primaryKey(), label: text().notNull() });
const schema = { ...playground.schema, tallies, marks };
const slug = v.pipe(v.string(), v.maxLength(200));

/** The room as the next release of the app defines it: a column, a table and a mutator more. Tabs of the one before can follow it. */
export function playgroundNextWith(given: RoomRules<RuledTables>) {
  const rules: RoomRules<typeof schema> = given;
  return defineRoom({
    name: playground.name,
    schema,
    serverOnly: ['ledger'],
    withoutRowid: ['entries', 'pages', 'tallies'],
    mutators: {
      ...playground.mutators,
      /** Does something that the older build can see, and something that it cannot. */
      appendMarked: mutator(v.object({ list: slug, value: slug, label: slug }), (tx, { list, value, label }) => {
        append(tx, list, value, '');
        tx.insert(marks).values({ id: value, label }).onConflictDoUpdate({ target: marks.id, set: { label } }).run();
        tx.insert(tallies)
          .values({ name: 'marks', n: 1, note: label })
          .onConflictDoUpdate({ target: tallies.name, set: { note: label } })
          .run();
      }),
    },
    rules,
    presence: playground.presence,
    cursor: playground.cursor,
    values: playground.values,
    ephemeral: playground.ephemeral,
  });
}

export type PlaygroundNext = ReturnType<typeof playgroundNextWith>;
