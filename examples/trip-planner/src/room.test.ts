import { AlcoveError, type Json } from '@alcove/core';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { beforeEach, describe, expect, it } from 'vitest';
import { engines } from '../../../test/contract/engines.ts';
import { FakeRuntime } from '../../../test/fake/fake-runtime.ts';
import { ITEMS_MAX, NOTES_PER_STOP_MAX, STOPS_MAX, trip } from '../room.ts';
import { NIGHTS_MAX } from './bounds.ts';

const KYOTO = 1;
const McMURDO = 2;

/** The trip's tables with two cities, one of them closed, and its mutators, run as the room runs them. */
class TripRoom {
  readonly #database: Database;
  readonly #capture: Capture;
  readonly #runtime = new FakeRuntime();
  #mutationId = 0;

  constructor(database: Database, isServer: boolean) {
    this.#database = database;
    for (const sql of roomDdl(trip.model, { serverOnly: isServer })) database.exec(sql);
    installCapture(database, trip.model);
    this.#capture = new Capture(database, trip.model);
    for (const [id, name] of [
      [KYOTO, 'Kyoto'],
      [McMURDO, 'McMurdo Station'],
    ] as const) {
      database.exec(`INSERT INTO cities VALUES (${id}, '${name}', '${name.toLowerCase()}', 'XX', 1000, 0, 0, 'PPL', '01')`);
    }
    if (isServer) database.exec(`INSERT INTO closed_places VALUES (${McMURDO}, 'Closed in winter.')`);
    this.#capture.start();
  }

  call(name: string, args: Json, isServer = true): void {
    this.#mutationId++;
    runMutation({
      database: this.#database,
      room: trip,
      mutation: {
        clientId: 'c',
        mutationId: this.#mutationId,
        name,
        args,
        seed: `seed ${this.#mutationId}`,
        nowMs: 1_000 + this.#mutationId,
      },
      capture: this.#capture,
      user: null,
      isServer,
      serverNowMs: isServer ? 5_000 : undefined,
      limits: { rowsMax: 1_000, statementsMax: 100, timeBudgetMs: 1_000 },
      runtime: this.#runtime,
    });
  }

  /** Why the room refuses this, in its own words. */
  refusal(name: string, args: Json): string {
    try {
      this.call(name, args);
    } catch (error) {
      if (error instanceof AlcoveError) return `${error.code}: ${error.message}`;
      throw error;
    }
    return 'accepted';
  }

  column(sql: string): unknown[] {
    return this.#database
      .prepare(sql)
      .all()
      .map(([cell]) => cell);
  }

  addStop(position: string, cityId = KYOTO): string {
    const id = `stop-${this.#mutationId}`;
    this.call('addStop', { id, cityId, position, nights: 1 });
    return id;
  }
}

describe.each(engines.map((engine) => [engine.name, engine] as const))('the trip on %s', (_name, engine) => {
  let room: TripRoom;
  beforeEach(async () => {
    room = new TripRoom(await engine.open(), true);
  });

  it('keeps stops in the order of their keys', () => {
    const [last, first] = [room.addStop('a5'), room.addStop('a1')];
    expect(room.column('SELECT id FROM stops ORDER BY position')).toEqual([first, last]);
    room.call('moveStop', { id: first, position: 'a6' });
    expect(room.column('SELECT id FROM stops ORDER BY position')).toEqual([last, first]);
  });

  it('lets two people drop a stop at the same place', () => {
    const [a, b] = [room.addStop('a1'), room.addStop('a2')];
    const c = room.addStop('a1');
    expect(room.column('SELECT id FROM stops ORDER BY position')).toEqual([a, c, b]);
    room.call('moveStop', { id: b, position: 'a1' });
    expect(room.column('SELECT id FROM stops ORDER BY position')[0]).toBe(a);
    expect(new Set(room.column('SELECT position FROM stops')).size).toBe(3);
  });

  it('leaves a stop alone that is moved to where it is', () => {
    const id = room.addStop('a1');
    room.call('moveStop', { id, position: 'a1' });
    expect(room.column('SELECT position FROM stops')).toEqual(['a1']);
  });

  it('refuses a closed place with the reason that only the room knows', () => {
    expect(room.refusal('addStop', { id: 's', cityId: McMURDO, position: 'a0', nights: 1 })).toBe('forbidden: Closed in winter.');
    expect(room.column('SELECT count(*) FROM stops')).toEqual([0]);
  });

  it('accepts the same call in a tab, which has no table of closed places', async () => {
    const tab = new TripRoom(await engine.open(), false);
    tab.call('addStop', { id: 's', cityId: McMURDO, position: 'a0', nights: 1 }, false);
    expect(tab.column('SELECT city_id FROM stops')).toEqual([McMURDO]);
  });

  it('takes the notes of a stop along', () => {
    const id = room.addStop('a0');
    room.call('addNote', { id: 'n', stopId: id, body: '  Bicycles.  ', author: 'Mina' });
    expect(room.column('SELECT body FROM notes')).toEqual(['Bicycles.']);
    room.call('removeStop', { id });
    expect(room.column('SELECT count(*) FROM notes')).toEqual([0]);
    room.call('removeStop', { id });
  });

  it('counts every press for nights, between none and the most', () => {
    const id = room.addStop('a0');
    for (let press = 0; press < 10; press++) room.call('changeNights', { id, by: 1 });
    expect(room.column('SELECT nights FROM stops')).toEqual([11]);
    room.call('changeNights', { id, by: NIGHTS_MAX });
    expect(room.column('SELECT nights FROM stops')).toEqual([NIGHTS_MAX]);
    for (const by of [-NIGHTS_MAX, -1]) room.call('changeNights', { id, by });
    expect(room.column('SELECT nights FROM stops')).toEqual([0]);
    expect(room.refusal('changeNights', { id, by: 0.5 })).toMatch(/^arguments_invalid/);
  });

  it('lets nobody wipe out what somebody else has written meanwhile', () => {
    const stopId = room.addStop('a0');
    room.call('addNote', { id: 'n', stopId, body: 'Tea', author: 'Mina' });
    room.call('editNote', { id: 'n', was: 'Tea', body: 'Tea at four' });
    room.call('editNote', { id: 'n', was: 'Tea at four', body: 'Tea at five' });
    expect(room.refusal('editNote', { id: 'n', was: 'Tea', body: 'Coffee' })).toMatch(/^forbidden: Somebody has changed/);
    expect(room.column('SELECT body FROM notes')).toEqual(['Tea at five']);
  });

  it('brings a removed stop back with its notes, once, beside whoever took its place', () => {
    const id = room.addStop('a0');
    const note = { id: 'n', body: 'Bicycles.', author: 'Mina', writtenMs: 7 };
    const kept = { id, cityId: KYOTO, position: 'a0', nights: 3, notes: [note] };
    room.call('removeStop', { id });
    const other = room.addStop('a0');
    for (let press = 0; press < 2; press++) room.call('restoreStop', kept);
    expect(room.column('SELECT id FROM stops ORDER BY position')).toEqual([other, id]);
    expect(room.column('SELECT nights FROM stops ORDER BY position')).toEqual([1, 3]);
    expect(room.column("SELECT stop_id || ' ' || body || ' ' || written_ms FROM notes")).toEqual([`${id} Bicycles. 7`]);
  });

  it('tells who comes too late', () => {
    expect(room.refusal('moveStop', { id: 'gone', position: 'a0' })).toMatch(/^forbidden: Somebody/);
    expect(room.refusal('changeNights', { id: 'gone', by: 1 })).toMatch(/^forbidden: Somebody/);
    expect(room.refusal('addNote', { id: 'n', stopId: 'gone', body: 'x', author: 'Mina' })).toMatch(/^forbidden: Somebody/);
    expect(room.refusal('editNote', { id: 'gone', was: '', body: 'x' })).toMatch(/^forbidden: Somebody/);
    expect(room.refusal('toggleItem', { id: 'gone', packed: true })).toMatch(/^forbidden: Somebody/);
  });

  it('begins empty where that is wished, and leaves alone what somebody added', () => {
    const mine = room.addStop('a0');
    room.call('addStop', { id: 'seed-1', cityId: KYOTO, position: 'a1', nights: 1 });
    room.call('addItem', { id: 'seed-1', label: 'Passports' });
    room.call('addItem', { id: 'i', label: 'The cat' });
    room.call('addNote', { id: 'seed-1', stopId: mine, body: 'The castle opens at eight.', author: 'Mina' });
    room.call('addNote', { id: 'n', stopId: mine, body: 'Bring a coat.', author: 'Mina' });
    room.call('clearExample', null);
    expect(room.column('SELECT id FROM stops')).toEqual([mine]);
    expect(room.column('SELECT id FROM items')).toEqual(['i']);
    expect(room.column('SELECT id FROM notes')).toEqual(['n']);
  });

  it('keeps the packing list', () => {
    room.call('addItem', { id: 'i', label: 'Passports' });
    room.call('toggleItem', { id: 'i', packed: true });
    expect(room.column('SELECT packed FROM items')).toEqual([1]);
    room.call('removeItem', { id: 'i' });
    expect(room.column('SELECT count(*) FROM items')).toEqual([0]);
  });

  it.each([
    ['addStop', { id: 's', cityId: KYOTO, position: 'not a key', nights: 1 }],
    ['addStop', { id: 's', cityId: KYOTO, position: 'a0', nights: NIGHTS_MAX + 1 }],
    ['addStop', { id: 's', cityId: KYOTO, position: 'a0', nights: 1.5 }],
    ['addStop', { id: 's', cityId: 'Kyoto', position: 'a0', nights: 1 }],
    ['addStop', { id: '', cityId: KYOTO, position: 'a0', nights: 1 }],
    ['addItem', { id: 'i', label: '   ' }],
    ['addItem', { id: 'i', label: 'x'.repeat(121) }],
  ] as const)('refuses %s with %j', (name, args) => {
    expect(room.refusal(name, args)).toMatch(/^arguments_invalid/);
  });

  it('has an end: stops, notes on a stop, things to pack', () => {
    expect(room.refusal('addStop', { id: 's', cityId: 99, position: 'a0', nights: 1 })).toBe('forbidden: There is no such city.');
    let id = '';
    for (let i = 0; i < STOPS_MAX; i++) id = room.addStop('a0');
    expect(room.refusal('addStop', { id: 's', cityId: KYOTO, position: 'a0', nights: 1 })).toMatch(/at most 80 stops/);
    for (let i = 0; i < NOTES_PER_STOP_MAX; i++) room.call('addNote', { id: `n${i}`, stopId: id, body: 'x', author: 'Mina' });
    expect(room.refusal('addNote', { id: 'n', stopId: id, body: 'x', author: 'Mina' })).toMatch(/at most 50 notes/);
    for (let i = 0; i < ITEMS_MAX; i++) room.call('addItem', { id: `i${i}`, label: 'x' });
    expect(room.refusal('addItem', { id: 'i', label: 'x' })).toMatch(/at most 200 things/);
  });
});
