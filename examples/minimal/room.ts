import { defineRoom, mutator } from '@alcove/core';
import { eq } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const todos = sqliteTable('todos', {
  id: text().primaryKey(),
  title: text().notNull(),
  done: integer({ mode: 'boolean' }).notNull().default(false),
});

export const list = defineRoom({
  name: 'list',
  schema: { todos },
  mutators: {
    add: mutator(v.object({ title: v.string() }), (tx, { title }, ctx) => tx.insert(todos).values({ id: ctx.id(), title }).run()),
    toggle: mutator(v.object({ id: v.string(), done: v.boolean() }), (tx, { id, done }) =>
      tx.update(todos).set({ done }).where(eq(todos.id, id)).run(),
    ),
  },
});
