import { mutator } from '@alcove/core/schema/define-mutator';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { type AnyRoom, defineRoom } from '@alcove/core/schema/define-room';
import { isOneOf } from '@alcove/core/schema/is-one-of';
import type { Row } from '@alcove/core/sqlite/database';
import { type Column, eq } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import initSqlJs from 'sql.js';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE } from '../fake/kept-tabs.ts';
import { drawnFrom } from '../contract/drawn-from.ts';

const sqlJs = await initSqlJs();
/** More of them before a release: `ALCOVE_PROPERTY_RUNS=2000`. */
const RUNS = Number(process.env['ALCOVE_PROPERTY_RUNS'] ?? 25);
const TIME_LIMIT_MS = Math.max(240_000, RUNS * 4_000);

const noteColumns = () => ({ id: text().primaryKey(), team: text().notNull(), body: text(), price: integer() });
const note = v.object({ id: v.string(), team: v.string(), body: v.string() });
const ofTeam = (row: { readonly team: Column }, claims: Claims) => isOneOf(row.team, claims['teams'] as string[] | undefined);
const isForLeaders = (_: unknown, claims: Claims) => claims['leads'] !== true;

/** A note is its team's; prices are for those who lead. */
const notes = sqliteTable('notes', noteColumns());
const room = defineRoom({
  name: 'notes',
  schema: { notes },
  mutators: {
    put: mutator(note, (tx, row) => {
      const set = { ...row, price: row.body.length };
      tx.insert(notes).values(set).onConflictDoUpdate({ target: notes.id, set }).run();
    }),
    remove: mutator(v.string(), (tx, id) => tx.delete(notes).where(eq(notes.id, id)).run()),
  },
  rules: { notes: { visibleTo: ofTeam, hiddenFrom: { price: isForLeaders }, mayInsert: ofTeam } },
});

/** A column more: additive, and nothing to the rules. */
const doneNotes = sqliteTable('notes', { ...noteColumns(), done: integer().notNull().default(0) });
const doneRoom = defineRoom({
  name: 'notes',
  schema: { notes: doneNotes },
  mutators: {
    put: mutator(note, (tx, row) => {
      const set = { ...row, price: row.body.length, done: 1 };
      tx.insert(doneNotes).values(set).onConflictDoUpdate({ target: doneNotes.id, set }).run();
    }),
  },
  rules: { notes: { visibleTo: ofTeam, hiddenFrom: { price: isForLeaders } } },
});

/** Items of lists that not everybody sees: of theirs the parent is missing in a tab. */
const lists = sqliteTable('lists', { id: text().primaryKey(), team: text().notNull() });
const itemColumns = () => ({ id: text().primaryKey(), listId: text().references(() => lists.id) });
const items = sqliteTable('items', { ...itemColumns(), name: text().notNull() });
const item = v.object({ id: v.string(), listId: v.string(), name: v.string() });
const listRoom = defineRoom({
  name: 'notes',
  schema: { lists, items },
  mutators: {
    list: mutator(v.object({ id: v.string(), team: v.string() }), (tx, row) => tx.insert(lists).values(row).run()),
    item: mutator(item, (tx, row) => tx.insert(items).values(row).run()),
  },
  rules: { lists: { visibleTo: ofTeam } },
});
const titled = sqliteTable('items', { ...itemColumns(), title: text().notNull() });
const titledRoom = defineRoom({
  name: 'notes',
  schema: { lists, items: titled },
  migrations: [{ id: '1', sql: ['ALTER TABLE items RENAME COLUMN name TO title', 'UPDATE items SET title = upper(title)'] }],
  mutators: {
    item: mutator(item, (tx, { name, ...row }) =>
      tx
        .insert(titled)
        .values({ ...row, title: name })
        .run(),
    ),
  },
  rules: { lists: { visibleTo: ofTeam } },
});

const RED: Claims = { sub: 'ann', teams: ['red'] };
const BLUE: Claims = { sub: 'ann', teams: ['blue'] };
const BOTH: Claims = { sub: 'ann', teams: ['red', 'blue'] };
const LEADER: Claims = { sub: 'ann', teams: ['red'], leads: true };
const ALL_CLAIMS = [RED, BLUE, BOTH, LEADER];
const place = { server: 'ws://room', user: 'ann', roomName: 'notes', roomId: 'r1' };

/** What somebody may see of `rows`, in plain words. */
const seenBy = ({ teams, leads }: Claims, rows: readonly Row[]): Row[] =>
  rows
    .filter(([, team]) => Array.isArray(teams) && teams.includes(team))
    .map(([id, team, body, price]) => [id ?? null, team ?? null, body ?? null, leads === true ? (price ?? null) : null]);

/** One room with rules, and the tabs of one user in one browser, whose tokens are their claims. */
class Notes {
  readonly browser = new FakeBrowser();
  world: EngineWorld;
  #rules: RowRules;
  readonly #claims = new Map<EnginePage, Claims>();
  #tabs = 0;

  constructor(definition: AnyRoom = room) {
    [this.world, this.#rules] = this.#serve(definition);
  }

  #serve(definition: AnyRoom, file?: Uint8Array): [EngineWorld, RowRules] {
    const rules = new RowRules(definition, openSqljsDatabase(sqlJs));
    const accessOf = (token: string | null) => ({ claims: token === null ? null : (JSON.parse(token) as Claims) });
    const access = { access: ({ token }: { token: string | null }) => accessOf(token), renewed: accessOf };
    return [new EngineWorld({ room: definition, rules, ...access }, file), rules];
  }

  /** The server is updated: the same file under another definition. */
  update(definition: AnyRoom): void {
    const file = this.world.database.exportImage();
    this.close();
    [this.world, this.#rules] = this.#serve(definition, file);
  }

  tab(claims: Claims, options: Partial<SyncEngineOptions> = {}): EnginePage {
    this.#tabs += 1;
    const clientId = `tab-${this.#tabs}`;
    const openDatabase: SyncEngineOptions['openDatabase'] = (image) => openSqljsDatabase(sqlJs, image ?? undefined);
    const storage = this.browser.storageOf(new FakeRuntime({ seed: clientId, time: this.world.time }), place);
    let page: EnginePage | null = null;
    const token = (): string => JSON.stringify((page === null ? undefined : this.#claims.get(page)) ?? claims);
    page = this.world.tab(clientId, { room, openDatabase, groupId: 'g', storage, token, ...options });
    this.#claims.set(page, claims);
    page.watch('notes', `SELECT * FROM ${(options.room ?? room).model.tables.at(0)?.name === 'lists' ? 'items' : 'notes'} ORDER BY id`);
    return page;
  }

  claimsOf(page: EnginePage): Claims {
    return this.#claims.get(page) ?? {};
  }

  renew(page: EnginePage, claims: Claims): void {
    this.#claims.set(page, claims);
    page.engine.hint('authChanged');
  }

  end(page: EnginePage): void {
    this.world.pages.splice(this.world.pages.indexOf(page), 1);
    page.engine.close();
  }

  /** By the server itself, whom no rule asks. */
  call(name: string, args: unknown): Promise<unknown> {
    return this.world.server.room.mutate({ name, args, user: null });
  }

  put(id: string, team: string, body: string): Promise<unknown> {
    return this.call('put', { id, team, body });
  }

  get rows(): Row[] {
    return this.world.server.rows('SELECT * FROM notes ORDER BY id');
  }

  saved(page: EnginePage): Promise<void> {
    return this.world
      .until(() => page.status.storage?.status === 'saved', 'all is on the disk')
      .catch((error: unknown) => {
        throw new Error(`${String(error)} ${JSON.stringify(page.status)}`, { cause: error });
      });
  }

  shows(page: EnginePage, wanted: readonly Row[]): Promise<void> {
    return this.world.until(
      () => JSON.stringify(page.rows('notes')) === JSON.stringify(wanted),
      `${page.clientId} shows ${JSON.stringify(wanted)} and not ${JSON.stringify(page.rows('notes'))}`,
    );
  }

  close(): void {
    this.world.close();
    this.#rules.close();
  }
}

let all: Notes;
beforeEach(() => {
  all = new Notes();
});
afterEach(() => all.close());

const settle = async (work: Promise<unknown>): Promise<void> => {
  await all.world.time.advanceAsync(50);
  await work;
};

describe('tabs that see a part of a room', () => {
  it('[AC-23] what is pending stays when claims change, is shown on the fresh snapshot, and is decided by the claims of then', async () => {
    await settle(all.put('r', 'red', 'old'));
    await settle(all.put('b', 'blue', 'old'));
    const page = all.tab(RED);
    await all.shows(page, [['r', 'red', 'old', null]]);
    all.world.server.cut();
    page.mutate('put', { id: 'mine', team: 'red', body: 'mine' });
    page.mutate('put', { id: 'also', team: 'blue', body: 'ours' });
    all.renew(page, BLUE);
    await all.world.quiet();
    expect(page.settled).toEqual(['1:forbidden', '2:applied']);
    expect(page.rows('notes')).toEqual([
      ['also', 'blue', 'ours', null],
      ['b', 'blue', 'old', null],
    ]);
  });

  it('[AC-23] and on a live session: the tab shows what it showed until the snapshot has come', async () => {
    await settle(all.put('r', 'red', 'old'));
    await settle(all.put('b', 'blue', 'old'));
    const page = all.tab(RED);
    await all.shows(page, [['r', 'red', 'old', null]]);
    all.world.server.silence('up');
    page.mutate('put', { id: 'x', team: 'blue', body: 'x' });
    all.world.server.cut();
    all.renew(page, LEADER);
    await all.shows(page, [['r', 'red', 'old', 3]]);
    all.renew(page, BOTH);
    await all.shows(page, [
      ['b', 'blue', 'old', null],
      ['r', 'red', 'old', null],
    ]);
  });

  it('[ST-34] commits of one view go on no image of another: what is kept is what one reader saw', async () => {
    await settle(all.put('b', 'blue', '1'));
    const red = all.tab(RED);
    await all.world.quiet();
    await all.saved(red);
    const blue = all.tab(BLUE);
    await all.world.quiet();
    await all.saved(blue);
    all.end(blue);
    await settle(all.put('r', 'red', 'canary'));
    await all.shows(red, [['r', 'red', 'canary', null]]);
    await all.saved(red);
    all.end(red);
    const offline = all.tab(BLUE, OFFLINE);
    await all.shows(offline, [['b', 'blue', '1', null]]);
    all.end(offline);
    const again = all.tab(BLUE);
    await all.world.quiet();
    expect(again.rows('notes')).toEqual([['b', 'blue', '1', null]]);
  });

  it('[SC-18][AC-20] a tab of an older build reads on over an additive change, through commits of both schemas', async () => {
    await settle(all.put('r1', 'red', '1'));
    const red = all.tab(RED);
    await all.world.quiet();
    await all.saved(red);
    all.end(red);
    await settle(all.put('r2', 'red', '22'));
    await settle(all.put('b1', 'blue', 'hidden'));
    all.update(doneRoom);
    await settle(all.put('b1', 'blue', 'hidden still'));
    await settle(all.put('r3', 'red', '333'));
    const old = all.tab(RED);
    await all.world.quiet();
    await all.saved(old);
    all.end(old);
    await settle(all.put('b2', 'blue', 'hidden'));
    await settle(all.put('r4', 'red', '4444'));
    const again = all.tab(RED);
    await all.world.quiet();
    expect(again.of('status').some(({ status }) => status.hydration !== null)).toBe(false);
    const wanted = ['1', '22', '333', '4444'].map((body, at) => [`r${at + 1}`, 'red', body, null]);
    expect(again.rows('notes')).toEqual(wanted);
    const updated = all.tab(RED, { room: doneRoom });
    await all.world.quiet();
    expect(updated.rows('notes')).toEqual(wanted.map((row, at) => [...row, at < 2 ? 0 : 1]));
  });

  it('[ST-30][AC-26] a new build starts offline with the rows of the old one, though parents of some are hidden', async () => {
    all.close();
    all = new Notes(listRoom);
    await settle(all.call('list', { id: 'hidden', team: 'blue' }));
    await settle(all.call('item', { id: 'i1', listId: 'hidden', name: 'one' }));
    const old = all.tab(RED, { room: listRoom });
    await all.world.quiet();
    old.mutate('item', { id: 'i2', listId: 'hidden', name: 'two' });
    await all.world.quiet();
    await all.saved(old);
    all.end(old);
    const updated = all.tab(RED, { ...OFFLINE, room: titledRoom });
    await all.shows(updated, [
      ['i1', 'hidden', 'ONE'],
      ['i2', 'hidden', 'TWO'],
    ]);
    updated.mutate('item', { id: 'i3', listId: 'hidden', name: 'three' });
    await all.world.until(() => updated.rows('notes').length === 3, 'what is written offline is shown');
  });

  it(
    '[AC-20][AC-23] each shows what its claims let it see, whatever was kept, by whom, and whenever claims change',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const run = new Notes();
          const script: string[] = [];
          try {
            await randomly(draw, run, script);
          } catch (error) {
            throw new Error(`${error instanceof Error ? error.message : String(error)}\n${script.join('\n')}`, { cause: error });
          } finally {
            run.close();
          }
        }),
        { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: TIME_LIMIT_MS / 2, markInterruptAsFailure: true },
      );
    },
    TIME_LIMIT_MS,
  );
});

const STEPS = ['remove', 'put', 'put', 'put', 'renew', 'end', 'offline', 'cut', 'tab', 'tab'];

/** Two tabs that come, go and change their claims, while the room goes on. */
async function randomly(draw: fc.GeneratorValue, run: Notes, script: string[]): Promise<void> {
  /** What somebody of this user saw at some version. */
  const seen = new Set(['[]']);
  const note = (): void => {
    for (const claims of ALL_CLAIMS) seen.add(JSON.stringify(seenBy(claims, run.rows)));
  };
  const tabs: EnginePage[] = [];
  for (let steps = draw(fc.integer, { min: 5, max: 20 }); steps > 0; steps -= 1) {
    const kind = draw(fc.nat, { max: 9 });
    const page = tabs.length === 0 ? undefined : drawnFrom(draw, tabs);
    const claims = draw(fc.constantFrom<Claims[]>, ...ALL_CLAIMS);
    script.push(`${STEPS[kind]} ${page?.clientId} ${JSON.stringify(claims)}`);
    if (kind < 4) {
      const id = draw(fc.constantFrom, 'a', 'b', 'c', 'd');
      const work = kind === 0 ? run.call('remove', id) : run.put(id, draw(fc.constantFrom, 'red', 'blue'), 'x'.repeat(steps));
      await run.world.time.advanceAsync(draw(fc.constantFrom, 20, 200));
      await work;
      note();
    } else if (kind === 4 && page !== undefined) run.renew(page, claims);
    else if (kind === 5 && page !== undefined) {
      if (draw(fc.boolean)) await run.saved(page);
      tabs.splice(tabs.indexOf(page), 1);
      run.end(page);
    } else if (kind === 6) {
      const offline = run.tab(claims, OFFLINE);
      await run.world.time.advanceAsync(500);
      expect([...seen]).toContain(JSON.stringify(offline.rows('notes')));
      run.end(offline);
    } else if (kind === 7) run.world.server.cut();
    else if (tabs.length < 2) tabs.push(run.tab(claims));
    if (draw(fc.boolean)) continue;
    await run.world.time.advanceAsync(100); // a fresh token is on its way
    await run.world.quiet();
    script.push('quiet');
    for (const tab of tabs) expect(tab.rows('notes')).toEqual(seenBy(run.claimsOf(tab), run.rows));
  }
}
