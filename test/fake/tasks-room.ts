import { AlcoveError } from '@alcove/core/error';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { counter, value } from '@alcove/core/schema/values';
import { count, eq, gt, sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const lists = sqliteTable('lists', {
  id: text().primaryKey(),
  name: text().notNull().unique(),
  color: text().notNull().default('blue'),
});

export const tasks = sqliteTable(
  'tasks',
  {
    id: text().primaryKey(),
    listId: text('list_id')
      .notNull()
      .references(() => lists.id, { onDelete: 'cascade' }),
    title: text().notNull(),
    done: integer({ mode: 'boolean' }).notNull().default(false),
    rank: integer().notNull().default(0),
    weight: real(),
    note: text(),
    loud: text().generatedAlwaysAs(sql`upper("title")`, { mode: 'virtual' }),
  },
  (table) => [
    index('tasks_by_list').on(table.listId, table.rank),
    index('tasks_open').on(table.rank).where(sql`"done" = 0`),
    index('tasks_quiet').on(sql`lower("title")`),
  ],
);

export const tags = sqliteTable(
  'tags',
  {
    tag: text().notNull(),
    taskId: text('task_id')
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    strength: integer().notNull().default(1),
  },
  (table) => [primaryKey({ columns: [table.taskId, table.tag] })],
);

/** Keys that are integers, so rowids. */
export const steps = sqliteTable('steps', { id: integer().primaryKey(), taskId: text('task_id').notNull(), label: text().notNull() });

const id = v.string();

/** A room with what replicas and queries can trip over: cascades, unique names, a table without rowid, partial and expression indexes, a generated column. */
export const tasksRoom = defineRoom({
  name: 'tasks',
  schema: { lists, tasks, tags, steps },
  withoutRowid: ['tags'],
  mutators: {
    addList: mutator(v.object({ id, name: v.string() }), (tx, list) => {
      tx.insert(lists).values(list).run();
    }),
    renameList: mutator(v.object({ id, name: v.string() }), (tx, list) => {
      tx.update(lists).set({ name: list.name }).where(eq(lists.id, list.id)).run();
    }),
    /** Fails where either is missing; swaps unique values. */
    swapNames: mutator(v.object({ a: id, b: id }), (tx, { a, b }) => {
      const first = tx.select().from(lists).where(eq(lists.id, a)).get();
      const second = tx.select().from(lists).where(eq(lists.id, b)).get();
      if (first === undefined || second === undefined) throw new AlcoveError('mutator_failed', 'no such list');
      tx.update(lists)
        .set({ name: `swapping ${first.name}` })
        .where(eq(lists.id, a))
        .run();
      tx.update(lists).set({ name: first.name }).where(eq(lists.id, b)).run();
      tx.update(lists).set({ name: second.name }).where(eq(lists.id, a)).run();
    }),
    deleteList: mutator(v.object({ id }), (tx, list) => {
      tx.delete(lists).where(eq(lists.id, list.id)).run();
    }),
    addTask: mutator(v.object({ id, listId: id, title: v.string(), rank: v.optional(v.number(), 0) }), (tx, task) => {
      tx.insert(tasks).values(task).run();
    }),
    setTitle: mutator(v.object({ id, title: v.string() }), (tx, { id: taskId, title }) => {
      tx.update(tasks).set({ title }).where(eq(tasks.id, taskId)).run();
    }),
    finish: mutator(v.object({ id, done: v.boolean() }), (tx, task) => {
      tx.update(tasks).set({ done: task.done }).where(eq(tasks.id, task.id)).run();
    }),
    moveTask: mutator(v.object({ id, listId: id, rank: v.number() }), (tx, task) => {
      tx.update(tasks).set({ listId: task.listId, rank: task.rank }).where(eq(tasks.id, task.id)).run();
    }),
    tagTask: mutator(v.object({ taskId: id, tag: v.string() }), (tx, tag) => {
      tx.insert(tags)
        .values(tag)
        .onConflictDoUpdate({ target: [tags.taskId, tags.tag], set: { strength: sql`${tags.strength} + 1` } })
        .run();
    }),
    /** Depends on all that stands above it: shifts ranks. */
    makeRoomAbove: mutator(v.object({ listId: id, rank: v.number() }), (tx, { listId, rank }) => {
      tx.update(tasks)
        .set({ rank: sql`${tasks.rank} + 1` })
        .where(sql`${eq(tasks.listId, listId)} and ${gt(tasks.rank, rank)}`)
        .run();
    }),
    /** Id and weight are drawn; the note holds what the context said. */
    draw: mutator(v.object({ listId: id }), (tx, { listId }, ctx) => {
      tx.insert(tasks)
        .values({ id: ctx.id(), listId, title: 'drawn', weight: ctx.random(), note: `${ctx.now} ${ctx.clientId}` })
        .run();
    }),
    addStep: mutator(v.object({ id: v.number(), label: v.string() }), (tx, step) => {
      tx.insert(steps)
        .values({ ...step, taskId: 't1' })
        .run();
    }),
    extendLabel: mutator(v.object({ id: v.number(), by: v.string() }), (tx, { id: step, by }) => {
      tx.update(steps)
        .set({ label: sql`${steps.label} || ${by}` })
        .where(eq(steps.id, step))
        .run();
    }),
    /** What it writes depends on another row than the one it writes to. */
    copyLabel: mutator(v.object({ from: v.number(), to: v.number() }), (tx, { from, to }) => {
      const step = tx.select({ label: steps.label }).from(steps).where(eq(steps.id, from)).get();
      tx.update(steps)
        .set({ label: step?.label ?? 'nothing to copy' })
        .where(eq(steps.id, to))
        .run();
    }),
    /** Which row it writes to depends on what it reads. */
    extendNext: mutator(v.object({ id: v.number(), by: v.string() }), (tx, { id: step, by }) => {
      const { label } = tx.select({ label: steps.label }).from(steps).where(eq(steps.id, step)).get() ?? { label: '' };
      tx.update(steps)
        .set({ label: sql`${steps.label} || ${by}` })
        .where(eq(steps.id, label.length % 2 === 0 ? step + 1 : step + 2))
        .run();
    }),
    dropStep: mutator(v.object({ id: v.number() }), (tx, step) => {
      tx.delete(steps).where(eq(steps.id, step.id)).run();
    }),
    /** Depends on how many there are. */
    countSteps: mutator(v.object({ id: v.number() }), (tx, step) => {
      const there = tx.select({ n: count() }).from(steps).get()?.n ?? 0;
      tx.update(steps)
        .set({ label: `one of ${there}` })
        .where(eq(steps.id, step.id))
        .run();
    }),
    /** Runs in the room only. */
    roomOnly: mutator(v.object({ id, name: v.string() }), (tx, list, ctx) => {
      if (!ctx.isServer) throw new AlcoveError('mutator_failed', 'only in the room');
      tx.insert(lists).values(list).run();
    }),
    /** Runs in tabs only: the room rejects it. */
    tabOnly: mutator(v.object({ id, name: v.string() }), (tx, list, ctx) => {
      if (ctx.isServer) throw new AlcoveError('forbidden', 'not for you');
      tx.insert(lists).values(list).run();
    }),
  },
  presence: v.object({ name: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
  values: { zoom: value(v.number(), { intervalMs: 1000 }), likes: counter() },
  ephemeral: { typing: v.boolean() },
});
