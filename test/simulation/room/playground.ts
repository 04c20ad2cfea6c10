import { AlcoveError, counter, defineRoom, mutator, value } from '@alcove/core';
import type { MutatorTx, RoomRules } from '@alcove/core';
import { and, eq, sql } from 'drizzle-orm';
import { blob, check, foreignKey, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { noteMutators, notes } from './notes.ts';

/** Lists that mutations append to: which element came when is the order of the room's history, and one that is there twice was applied twice. */
export const entries = sqliteTable(
  'entries',
  { list: text().notNull(), position: integer().notNull(), value: text().notNull(), tag: text().notNull() },
  (table) => [primaryKey({ columns: [table.list, table.position] })],
);
export const accounts = sqliteTable('accounts', { id: text().primaryKey(), balance: integer().notNull() }, (table) => [
  check('solvent', sql`${table.balance} >= 0`),
]);
export const tallies = sqliteTable('tallies', { name: text().primaryKey(), n: integer().notNull() });
export const folders = sqliteTable('folders', { id: text().primaryKey(), label: text().notNull().unique() });
export const files = sqliteTable('files', {
  id: text().primaryKey(),
  folderId: text()
    .notNull()
    .references(() => folders.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
  body: blob({ mode: 'buffer' }),
});
export const pages = sqliteTable('pages', { fileId: text().notNull(), number: integer().notNull(), weight: real() }, (table) => [
  primaryKey({ columns: [table.fileId, table.number] }),
  foreignKey({ columns: [table.fileId], foreignColumns: [files.id] }).onDelete('cascade'),
]);
/** A name has one owner, and an owner one name: REPLACE may delete two rows at once. */
export const names = sqliteTable('names', { name: text().primaryKey(), owner: text().notNull() }, (table) => [
  uniqueIndex('names_owner').on(table.owner),
]);
export const stamps = sqliteTable('stamps', {
  id: text().primaryKey(),
  pageMs: integer().notNull(),
  roomMs: integer(),
  dice: real().notNull(),
  user: text(),
});
/** Stays in the room; what is written there must never be seen on a wire. */
export const ledger = sqliteTable('ledger', { line: integer().primaryKey(), note: text().notNull() });

/** Stands in every row of the server-only table. */
export const SECRET = 'server-only-canary';
export const ACCOUNTS = ['a', 'b', 'c'] as const;
export const OPENING_BALANCE = 20;
/** Above what a room of the simulation lets one mutation change. */
export const FLOOD_ROWS = 60;

const slug = v.pipe(v.string(), v.maxLength(200));

export function append(tx: MutatorTx, list: string, element: string, tag: string): void {
  const last = tx
    .select({ position: sql<number>`coalesce(max(${entries.position}), 0)` })
    .from(entries)
    .where(eq(entries.list, list))
    .get();
  tx.insert(entries)
    .values({ list, position: (last?.position ?? 0) + 1, value: element, tag })
    .run();
}

const mutators = {
  ...noteMutators,
  append: mutator(v.object({ list: slug, value: slug }), (tx, { list, value: element }, ctx) => {
    append(tx, list, element, ctx.id());
    if (ctx.isServer)
      tx.insert(ledger)
        .values({ note: `${SECRET} ${element}` })
        .run();
  }),
  /** The same element into two lists: there in both or in none. */
  appendBoth: mutator(v.object({ lists: v.tuple([slug, slug]), value: slug }), (tx, { lists, value: element }, ctx) => {
    for (const list of lists) append(tx, list, element, ctx.id());
  }),
  /** Without anything seeded, so that the server's own code can call it. */
  appendPlain: mutator(v.object({ list: slug, value: slug }), (tx, { list, value: element }) => append(tx, list, element, '')),
  /** Shows in the tab, and is refused by the room after it has written. */
  appendRefused: mutator(v.object({ list: slug, value: slug }), (tx, { list, value: element }, ctx) => {
    append(tx, list, element, ctx.id());
    if (ctx.isServer) throw new AlcoveError('forbidden', `the room does not want ${element}`);
  }),
  transfer: mutator(v.object({ from: slug, to: slug, amount: v.number() }), (tx, { from, to, amount }) => {
    const source = tx.select().from(accounts).where(eq(accounts.id, from)).get();
    if (source === undefined || source.balance < amount) throw new AlcoveError('forbidden', `${from} does not have ${amount}`);
    tx.update(accounts)
      .set({ balance: sql`${accounts.balance} - ${amount}` })
      .where(eq(accounts.id, from))
      .run();
    tx.update(accounts)
      .set({ balance: sql`${accounts.balance} + ${amount}` })
      .where(eq(accounts.id, to))
      .run();
  }),
  /** Leaves the solvency to the table's CHECK. */
  spendAll: mutator(v.object({ from: slug, to: slug, amount: v.number() }), (tx, { from, to, amount }) => {
    tx.update(accounts)
      .set({ balance: sql`${accounts.balance} + ${amount}` })
      .where(eq(accounts.id, to))
      .run();
    tx.update(accounts)
      .set({ balance: sql`${accounts.balance} - ${amount}` })
      .where(eq(accounts.id, from))
      .run();
  }),
  increment: mutator(v.object({ name: slug }), (tx, { name }) => {
    tx.insert(tallies)
      .values({ name, n: 1 })
      .onConflictDoUpdate({ target: tallies.name, set: { n: sql`${tallies.n} + 1` } })
      .run();
  }),
  addFolder: mutator(v.object({ id: slug, label: slug }), (tx, folder) => {
    tx.insert(folders).values(folder).run();
  }),
  addFile: mutator(v.object({ id: slug, folderId: slug, pages: v.number() }), (tx, { id, folderId, pages: count }, ctx) => {
    tx.insert(files)
      .values({ id, folderId, body: Buffer.from(ctx.id()) })
      .run();
    for (let number = 1; number <= count; number += 1) tx.insert(pages).values({ fileId: id, number, weight: ctx.random() }).run();
  }),
  renameFolder: mutator(v.object({ id: slug, to: slug }), (tx, { id, to }) => {
    tx.update(folders).set({ id: to }).where(eq(folders.id, id)).run();
  }),
  /** Two UNIQUE labels change places: no order of single rows can do it. */
  swapLabels: mutator(v.object({ one: slug, other: slug }), (tx, { one, other }) => {
    const [first, second] = [one, other].map((id) => tx.select().from(folders).where(eq(folders.id, id)).get());
    if (first === undefined || second === undefined || first.id === second.id) return;
    tx.update(folders)
      .set({ label: `${first.label}~` })
      .where(eq(folders.id, first.id))
      .run();
    tx.update(folders).set({ label: first.label }).where(eq(folders.id, second.id)).run();
    tx.update(folders).set({ label: second.label }).where(eq(folders.id, first.id)).run();
  }),
  removeFolder: mutator(v.object({ id: slug }), (tx, { id }) => {
    tx.delete(folders).where(eq(folders.id, id)).run();
  }),
  clearPages: mutator((tx) => {
    tx.delete(pages).run();
  }),
  claimName: mutator(v.object({ name: slug, owner: slug }), (tx, claim) => {
    tx.insert(names).values(claim).run();
  }),
  takeName: mutator(v.object({ name: slug, owner: slug }), (tx, { name, owner }) => {
    tx.run(sql`insert or replace into ${names} (name, owner) values (${name}, ${owner})`);
  }),
  dropName: mutator(v.object({ name: slug, owner: slug }), (tx, { name, owner }) => {
    tx.delete(names)
      .where(and(eq(names.name, name), eq(names.owner, owner)))
      .run();
  }),
  stamp: mutator(v.object({ id: slug }), (tx, { id }, ctx) => {
    tx.insert(stamps)
      .values({ id, pageMs: ctx.now, roomMs: ctx.serverNow ?? null, dice: ctx.random(), user: ctx.user?.sub ?? null })
      .onConflictDoUpdate({ target: stamps.id, set: { dice: ctx.random(), roomMs: ctx.serverNow ?? null } })
      .run();
  }),
  /** More rows than the room lets one mutation change, though the tab does. */
  flood: mutator(v.object({ list: slug, value: slug }), (tx, { list, value: element }, ctx) => {
    for (let index = 0; index < FLOOD_ROWS; index += 1) append(tx, list, `${element}.${index}`, ctx.id());
  }),
};

const schema = { entries, accounts, tallies, folders, files, pages, names, stamps, notes, ledger };
export type RuledTables = Pick<typeof schema, 'folders' | 'files' | 'names' | 'stamps' | 'notes'>;

/** The room of the simulation: something of everything that can go wrong. */
export function playgroundWith(given: RoomRules<RuledTables>) {
  const rules: RoomRules<typeof schema> = given;
  return defineRoom({
    name: 'playground',
    schema,
    serverOnly: ['ledger'],
    withoutRowid: ['entries', 'pages', 'tallies'],
    mutators,
    rules,
    presence: v.object({ name: v.string(), n: v.number() }),
    cursor: v.object({ x: v.number(), y: v.number() }),
    values: {
      slider: value(v.number(), { intervalMs: 400 }),
      note: value(v.string(), { intervalMs: 150 }),
      likes: counter({ intervalMs: 250 }),
    },
    ephemeral: { typing: v.boolean() },
  });
}

/** Where everybody sees everything. */
export const playground = playgroundWith({});

export type Playground = typeof playground;
export type PlaygroundCall = {
  readonly [Name in keyof typeof mutators]: { readonly name: Name; readonly args: unknown };
}[keyof typeof mutators];

/** What every new room starts with. */
export function seedPlayground(tx: MutatorTx): void {
  for (const id of ACCOUNTS) tx.insert(accounts).values({ id, balance: OPENING_BALANCE }).run();
  for (const id of ['f1', 'f2']) tx.insert(folders).values({ id, label: id.toUpperCase() }).run();
}
