import { eq, or, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { DrivenRoom, resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { RowRules } from '../access/row-rules.ts';
import { openDatabase } from '../host/node/open-database.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), owner: text().notNull(), meta: text(), path: text(), price: integer() });
const note = v.object({ id: v.string(), owner: v.string(), meta: v.nullable(v.string()), path: v.string() });
const put = mutator(note, (tx, row) => tx.insert(notes).values(row).onConflictDoUpdate({ target: notes.id, set: row }).run());
/** Fails over rows of others whose `meta` or `path` is odd. */
const teamRoom = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: { put },
  rules: {
    notes: {
      visibleTo: (row, { sub = '', team }) =>
        team === undefined || or(eq(row.owner, sub), sql`json_extract(${row.meta}, ${row.path}) = ${team as string}`),
    },
  },
});
/** Whoever is of no team sees every price. */
const priceRoom = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: { put },
  rules: {
    notes: {
      visibleTo: (row, { team }) => team === undefined || sql`${row.owner} <> 'hermit'`,
      hiddenFrom: { price: (row, { team }) => team !== undefined && sql`json_extract(${row.meta}, ${row.path}) = ${team as string}` },
    },
  },
});

const SOUND = { id: 'n1', owner: 'ann', meta: '{"team":"x"}', path: '$.team' };
const ODD_PATH = { ...SOUND, path: 'canary' };
const REFUSED = { type: 'error', code: 'rule_failed' };

describe.each([
  ['visibleTo', teamRoom],
  ['hiddenFrom', priceRoom],
])('a rule of %s that fails over a row', (_, room) => {
  let database: Database;
  let rules: RowRules;
  let driven: DrivenRoom;
  let pushed = 0;
  const joined = new Map<string, number>();

  beforeEach(() => {
    database = openDatabase(':memory:');
    rules = new RowRules(room, openDatabase(':memory:'));
    driven = new DrivenRoom({ room, database, rules, options: { limits: { catchUpVersionsMax: 2 } } });
    pushed = 0;
    joined.clear();
    join('ann');
  });
  afterEach(() => {
    expect(driven.ports.failures).toEqual([]);
    const { log } = driven.runtime;
    expect(log instanceof CollectingLogger ? JSON.stringify(log.entries) : 'no log').not.toContain('canary');
    rules.close();
    database.close();
  });

  /** A new connection of that user; ann is of no team, and so sees all. */
  const join = (sub: string, hello: Partial<HelloMessage> = {}): ServerMessage[] => {
    const times = (joined.get(sub) ?? 0) + 1;
    joined.set(sub, times);
    const claims = sub === 'ann' ? { sub } : { sub, team: sub === 'eve' ? 'y' : 'x' };
    const messages = driven.join(nameOf(sub), { clientId: `c-${sub}`, snapshots: ['rows'], ...hello }, { claims });
    driven.advance(100);
    return [...messages, ...driven.take(nameOf(sub))];
  };
  const nameOf = (sub: string): string => `${sub}${joined.get(sub) ?? 0}`;
  const write = (row: typeof SOUND): ServerMessage[] => driven.push(nameOf('ann'), (pushed += 1), 'put', row, 'c-ann');
  const told = (sub: string): ServerMessage[] => driven.take(nameOf(sub));
  const logged = (): string => {
    const { log } = driven.runtime;
    return log instanceof CollectingLogger ? JSON.stringify(log.entries.filter(({ level }) => level === 'error')) : '';
  };

  it('[AC-25] ends the sessions of those it is asked for; the writer has the result, and others go on', () => {
    for (const sub of ['bob', 'eve', 'bea']) join(sub);
    const messages = write(ODD_PATH);
    expect(resultsIn(messages)).toMatchObject([{ status: 'applied', version: 1 }]);
    expect(typesOf(messages)).toEqual(['results', 'commit']);
    for (const sub of ['bob', 'eve', 'bea']) {
      const heard = told(sub);
      expect(heard).toMatchObject([REFUSED]);
      expect(JSON.stringify(heard)).not.toContain('canary');
      expect(driven.ports.disconnected.get(nameOf(sub))?.code).toBe('rule_failed');
    }
    expect(resultsIn(write({ ...SOUND, id: 'n2' }))).toMatchObject([{ status: 'applied', version: 2 }]);
    expect(logged()).toMatch(/(visibleTo or )?(visibleTo|hiddenFrom\.price) of table notes fails over a row/);
    expect(logged().match(/fails over a row/g)).toHaveLength(1);
  });

  it('[AC-25] lets nobody in for whom it fails, and those in again once the row is mended', () => {
    write(SOUND);
    write(ODD_PATH);
    expect(join('bob').at(-1)).toMatchObject(REFUSED);
    expect(typesOf(join('ann'))).toEqual(['welcome', 'snapshotBegin', 'snapshotRows', 'snapshotEnd', 'results']);
    write(SOUND);
    expect(typesOf(join('bob'))).toEqual(['welcome', 'snapshotBegin', 'snapshotRows', 'snapshotEnd']);
    write({ ...SOUND, meta: '{"team":"z"}' });
    expect(told('bob').map(({ type }) => type)).toEqual(['commit']);
  });

  it('[AC-25] refuses a replica that comes back from before the row, until the row is mended: it gets the rows anew', () => {
    const point = (messages: readonly ServerMessage[]) => {
      const [welcome] = messages;
      return welcome?.type === 'welcome'
        ? { historyId: welcome.historyId, version: welcome.version, hash: driven.room.head.hash ?? '', view: welcome.view }
        : expect.fail('not let in');
    };
    write(SOUND);
    const resume = point(join('bob'));
    driven.room.leave(nameOf('bob'));
    write(ODD_PATH);
    const refused = join('bob', { resume });
    expect(typesOf(refused).slice(0, 2)).toEqual(['welcome', 'rehydrate']);
    expect(refused.at(-1)).toMatchObject(REFUSED);
    expect(typesOf(refused)).not.toContain('snapshotRows');
    // Mended in a range of the log after the one in which it fails.
    write({ ...ODD_PATH, id: 'n2' });
    write(SOUND);
    write({ ...SOUND, id: 'n2' });
    const messages = join('bob', { resume });
    expect(typesOf(messages)).toEqual(['welcome', 'rehydrate', 'snapshotBegin', 'snapshotRows', 'snapshotEnd']);
    expect(driven.ports.disconnected.has(nameOf('bob'))).toBe(false);
    expect(join('bob', { resume, snapshots: ['image'] }).at(-1)).toMatchObject(REFUSED);
  });

  it('[AC-25] ends a snapshot that is on its way, of its class alone', () => {
    for (let row = 0; row < 3_000; row += 1)
      database.prepare('INSERT INTO notes (id, owner, meta, path) VALUES (?, ?, ?, ?)').run([`m${row}`, 'ann', SOUND.meta, SOUND.path]);
    driven.join('bob', { clientId: 'c-bob', snapshots: ['rows'] }, { claims: { sub: 'bob', team: 'x' } });
    driven.join('ann2', { clientId: 'c-ann2', snapshots: ['rows'] }, { claims: { sub: 'ann' } });
    driven.room.tick();
    expect(typesOf(driven.take('bob'))).toContain('snapshotBegin');
    write({ ...ODD_PATH, id: 'm2999' });
    driven.advance(1_000);
    expect(driven.take('bob').at(-1)).toMatchObject(REFUSED);
    expect(driven.take('ann2').map(({ type }) => type)).toContain('snapshotEnd');
  });
});

describe('a rule about columns', () => {
  it('[AC-21][AC-25] is asked of rows that are seen alone', () => {
    const database = openDatabase(':memory:');
    const rules = new RowRules(priceRoom, openDatabase(':memory:'));
    const driven = new DrivenRoom({ room: priceRoom, database, rules });
    driven.join('ann', { snapshots: ['rows'] }, { claims: { sub: 'ann' } });
    driven.join('bob', { snapshots: ['rows'] }, { claims: { sub: 'bob', team: 'x' } });
    driven.advance(100);
    driven.take('bob');
    driven.push('ann', 1, 'put', { ...ODD_PATH, owner: 'hermit' });
    expect(driven.take('bob')).toEqual([]);
    driven.push('ann', 2, 'put', SOUND);
    expect(typesOf(driven.take('bob'))).toEqual(['commit']);
    rules.close();
    database.close();
  });
});
