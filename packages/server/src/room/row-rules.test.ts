import { and, eq, ne, or, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mutator } from '@alcove/core/schema/define-mutator';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { isOneOf } from '@alcove/core/schema/is-one-of';
import type { ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { DrivenRoom, resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { RowRules } from '../access/row-rules.ts';
import { openDatabase } from '../host/node/open-database.ts';

const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  owner: text().notNull(),
  shared: integer({ mode: 'boolean' }).notNull(),
  body: text(),
  price: integer(),
  project: text(),
});
const note = v.object({
  id: v.string(),
  owner: v.string(),
  shared: v.boolean(),
  body: v.optional(v.string()),
  price: v.optional(v.number()),
  project: v.optional(v.string()),
});
const room = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: {
    put: mutator(note, (tx, row) => tx.insert(notes).values(row).onConflictDoUpdate({ target: notes.id, set: row }).run()),
    remove: mutator(v.string(), (tx, id) => tx.delete(notes).where(eq(notes.id, id)).run()),
  },
  rules: {
    notes: {
      visibleTo: (row, claims) => {
        if (claims['role'] === 'broken') throw new RangeError('no such role: canary');
        if (claims['role'] === 'admin') return true;
        return or(
          eq(row.owner, String(claims.sub)),
          eq(row.shared, true),
          isOneOf(row.project, claims['projects'] as string[] | undefined),
        );
      },
      hiddenFrom: { price: (row, claims) => (claims['role'] === 'admin' ? false : ne(row.owner, String(claims.sub))) },
      mayInsert: (row, claims) => claims['role'] === 'admin' || eq(row.owner, String(claims.sub)),
      mayUpdate: (before, after, claims) =>
        claims['role'] === 'admin' || and(eq(before.owner, String(claims.sub)), eq(after.owner, before.owner)),
      mayDelete: (row, claims) => eq(row.owner, String(claims.sub)),
    },
  },
});

const raise = (error: Error): never => {
  throw error;
};
const as = (sub: string, more: Claims = {}) => ({ claims: { sub, ...more } });
const commitsIn = (messages: readonly ServerMessage[]): ServerMessageOf<'commit'>[] =>
  messages.filter((message): message is ServerMessageOf<'commit'> => message.type === 'commit');

describe('row rules of a room', () => {
  let database: Database;
  let rules: RowRules;
  let driven: DrivenRoom;
  let pushed: Map<string, number>;

  const push = (who: string, name: string, args: unknown): ServerMessage[] => {
    pushed.set(who, (pushed.get(who) ?? 0) + 1);
    return driven.push(who, pushed.get(who) ?? 0, name, args);
  };
  /** What a session was sent of table rows, one line a message. */
  const heard = (who: string) =>
    commitsIn(driven.take(who)).map(({ from, to, changes }) => ({
      versions: `${from}-${to}`,
      puts: changes.flatMap(({ puts }) => (puts[0] ?? []).map((_, row) => puts.map((column) => column[row]))),
      deletes: changes.flatMap(({ deletes }) => deletes[0] ?? []),
    }));

  beforeEach(() => {
    database = openDatabase(':memory:');
    rules = new RowRules(room, openDatabase(':memory:'));
    driven = new DrivenRoom({ room, database, rules });
    pushed = new Map();
    driven.join('ann', {}, as('ann'));
    driven.join('bob', {}, as('bob'));
    driven.join('root', {}, as('root', { role: 'admin' }));
    for (const who of ['ann', 'bob', 'root']) driven.take(who);
  });
  afterEach(() => {
    rules.close();
    database.close();
  });

  it('[AC-20] a row goes to those who may see it; that it comes and goes for others is an insert and a delete', () => {
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: false, body: 'mine', price: 7 });
    expect(heard('bob')).toEqual([]);
    expect(heard('root')).toEqual([{ versions: '0-1', puts: [['n1', 'ann', 0, 'mine', 7, null]], deletes: [] }]);
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: true, body: 'ours' });
    expect(heard('bob')).toEqual([{ versions: '0-2', puts: [['n1', 'ann', 1, 'ours', null, null]], deletes: [] }]);
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: false });
    expect(heard('bob')).toEqual([{ versions: '2-3', puts: [], deletes: ['n1'] }]);
    push('ann', 'remove', 'n1');
    expect(heard('bob')).toEqual([]);
    expect(heard('root').at(-1)).toEqual({ versions: '3-4', puts: [], deletes: ['n1'] });
  });

  it('[AC-21] what is hidden is NULL, and a change of nothing else is no change', () => {
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: true, body: 'ours', price: 7 });
    expect(heard('bob')).toEqual([{ versions: '0-1', puts: [['n1', 'ann', 1, 'ours', null, null]], deletes: [] }]);
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: true, body: 'ours', price: 8 });
    expect(heard('bob')).toEqual([]);
  });

  it('[AC-22] versions that hold nothing for a reader are told with the next that does, with its own result, or before a pong', () => {
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: false });
    push('ann', 'put', { id: 'n2', owner: 'ann', shared: false });
    expect(driven.take('bob')).toEqual([]);
    expect(typesOf(driven.say('bob', { type: 'ping' }))).toEqual(['commit', 'pong']);
    push('ann', 'put', { id: 'n3', owner: 'ann', shared: false });
    const told = push('bob', 'remove', 'nothing');
    expect(typesOf(told)).toEqual(['commit', 'pong', 'results', 'commit'].slice(2));
    expect(commitsIn(told)).toMatchObject([{ from: 2, to: 4, changes: [] }]);
  });

  it.each([
    ['the log', (who: string, point: object) => driven.join(who, { resume: point as never }, as('bob'))],
    ['rows', (who: string) => [...driven.join(who, { snapshots: ['rows'] }, as('bob')), ...(driven.advance(100), driven.take(who))]],
  ])('[AC-20] through %s as through the stream', (_, join) => {
    const view = driven.join('start', {}, as('bob')).find((message) => message.type === 'welcome')?.view;
    const { historyId, version, hash } = driven.room.head;
    for (const id of ['a', 'b', 'c', 'd']) push('ann', 'put', { id, owner: 'ann', shared: id > 'b', body: `secret ${id}`, price: 1 });
    push('ann', 'remove', 'c');
    const all = JSON.stringify(join('late', { historyId, version, hash, view }));
    expect(all).toContain('secret d');
    for (const canary of ['secret a', 'secret b', 'secret c']) expect(all).not.toContain(canary);
  });

  it('[AC-23] claims that make another class of it mean a fresh snapshot, others do not', () => {
    driven.take('bob');
    const connection = 'bob';
    driven.room.renewAccess(connection, as('bob', { color: 'red' }));
    expect(typesOf(driven.take('bob'))).toEqual(['user']);
    driven.room.renewAccess(connection, as('bob', { projects: ['p1'] }));
    expect(driven.take('bob')).toMatchObject([{ type: 'user' }, { type: 'rehydrate', reason: 'view' }]);
    push('ann', 'put', { id: 'n1', owner: 'ann', shared: false, project: 'p1' });
    expect(heard('bob')).toMatchObject([{ puts: [['n1', 'ann', 0, null, null, 'p1']] }]);
  });

  it('[AC-24] what a mutation leaves behind is held against the rules of its user; the room itself may do everything', async () => {
    const of = (messages: ServerMessage[]) => resultsIn(messages).map((result) => ('code' in result ? result.code : result.status));
    expect(of(push('bob', 'put', { id: 'n1', owner: 'ann', shared: true }))).toEqual(['forbidden']);
    expect(of(push('ann', 'put', { id: 'n1', owner: 'ann', shared: true }))).toEqual(['applied']);
    expect(of(push('bob', 'put', { id: 'n1', owner: 'bob', shared: true }))).toEqual(['forbidden']);
    expect(of(push('ann', 'put', { id: 'n1', owner: 'bob', shared: true }))).toEqual(['forbidden']);
    expect(of(push('bob', 'remove', 'n1'))).toEqual(['forbidden']);
    expect(of(push('root', 'remove', 'n1'))).toEqual(['forbidden']);
    expect(of(push('root', 'put', { id: 'n1', owner: 'bob', shared: true }))).toEqual(['applied']);
    const call = driven.room.mutate({ name: 'remove', args: 'n1', user: { sub: 'nobody' } });
    driven.flush();
    await expect(call).resolves.toMatchObject({ version: expect.any(Number) });
  });

  it('[AC-24] one that is refused takes nothing of the others in its commit with it', () => {
    driven.queue('ann', 1, 'put', { id: 'n1', owner: 'ann', shared: true });
    driven.queue('bob', 1, 'put', { id: 'n1', owner: 'bob', shared: true });
    driven.queue('ann', 2, 'put', { id: 'n2', owner: 'ann', shared: true });
    driven.flush();
    expect(heard('root')).toMatchObject([
      {
        versions: '0-1',
        puts: [
          ['n1', 'ann', 1, null, null, null],
          ['n2', 'ann', 1, null, null, null],
        ],
      },
    ]);
    expect(resultsIn(driven.take('bob'))).toMatchObject([{ status: 'rejected', code: 'forbidden' }]);
  });

  it('[AC-25] whoever a rule fails for stays outside, and is not told why', () => {
    const logger = driven.runtime.log;
    const messages = driven.join('x', {}, as('x', { role: 'broken' }));
    expect(messages).toMatchObject([{ type: 'error', code: 'rule_failed' }]);
    expect(JSON.stringify(messages)).not.toContain('canary');
    if (logger instanceof CollectingLogger) expect(JSON.stringify(logger.entries)).toContain('canary');
  });

  it.each([
    ['throws', (): never => raise(new RangeError('no such right: canary')), 'no such right: canary'],
    ['gives no answer', () => undefined, 'mayInsert of table notes gave no condition'],
    ['looks at chance', () => sql`random() > 0 or 'canary' = ''`, 'the row and the claims alone, and random() differs on each run"'],
    ['looks at other rows', () => sql`exists (select 'canary' from alcove_log)`, 'it holds EXISTS'],
    ['is no SQL over its table', () => sql`canary = 1`, 'no such column: canary'],
  ])('[AC-25] a mutation whose write rule %s is refused, leaves nothing and is not told why', (_, mayInsert, why) => {
    const odd = defineRoom({ name: 'trip', schema: { notes }, mutators: room.mutators, rules: { notes: { mayInsert } } });
    const [oddRules, oddDatabase] = [new RowRules(odd, openDatabase(':memory:')), openDatabase(':memory:')];
    const other = new DrivenRoom({ room: odd, database: oddDatabase, rules: oddRules });
    other.join('x', {}, as('x'));
    const told = other.push('x', 1, 'put', { id: 'n1', owner: 'x', shared: true });
    expect(resultsIn(told)).toMatchObject([{ status: 'rejected', code: 'forbidden' }]);
    expect(JSON.stringify(told)).not.toContain('canary');
    expect(oddDatabase.prepare('SELECT count(*) FROM notes').get()).toEqual([0]);
    expect(commitsIn(told)).toMatchObject([{ changes: [] }]);
    const { log } = other.runtime;
    const logged = log instanceof CollectingLogger ? JSON.stringify(log.entries) : '';
    expect(logged).toContain(why);
    oddDatabase.close();
    oddRules.close();
  });

  it.each([
    ['another table', () => sql`exists (select 1 from alcove_log)`],
    ['another table by its name alone', () => sql`'x' in alcove_log`],
    ['the clock', () => sql`date('now') > '2020'`],
    ['chance', () => sql`random() > 0`],
    ['the place of a row', (row: typeof notes) => sql`rowid > 0 and ${row.id} > ''`],
    ['a column that is not there', () => sql`colour = 'red'`],
    ['no answer', () => undefined],
    ['half a statement', () => sql`1) or (1`],
  ])('[AC-25] a rule that looks at %s is refused', (_, visibleTo) => {
    const odd = defineRoom({ name: 'trip', schema: { notes }, rules: { notes: { visibleTo } } });
    const oddRules = new RowRules(odd, openDatabase(':memory:'));
    const oddDatabase = openDatabase(':memory:');
    const other = new DrivenRoom({ room: odd, database: oddDatabase, rules: oddRules });
    expect(other.join('x')).toMatchObject([{ type: 'error', code: 'rule_failed' }]);
    oddDatabase.close();
    oddRules.close();
  });
});
