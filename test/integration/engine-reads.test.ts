import { AlcoveError } from '@alcove/core/error';
import { cellToWire } from '@alcove/core/change/wire-cell';
import { bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { Row } from '@alcove/core/sqlite/database';
import { afterEach, describe, expect, it } from 'vitest';
import type { EngineRead, ServerRows } from '../../packages/client/src/sync/server-read.ts';
import type { ReadAsked } from '../../packages/server/src/room/room-ports.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import type { EnginePage } from '../fake/engine-page.ts';

interface Asked extends ReadAsked {
  readonly connectionId: string;
  readonly request: number;
}

/** What a host does with the reads of its room, said by the test. Each answer is made on the database as it is then. */
class Readers {
  readonly asked: Asked[] = [];
  readonly ended: number[] = [];
  readonly #world: EngineWorld;
  /** Null: it is answered by the test. */
  answers: ((asked: Asked) => AlcoveError | 'rows') | null = () => 'rows';

  constructor(world: EngineWorld) {
    this.#world = world;
    Object.assign(world.server, {
      read: (connectionId: string, request: number, asked: ReadAsked) => {
        const one = { ...asked, connectionId, request };
        this.asked.push(one);
        world.time.setTimer(1, () => {
          if (this.answers === null) return;
          const answer = this.answers(one);
          this.answer(one, answer === 'rows' ? undefined : answer);
        });
      },
      readEnd: (_connectionId: string, request: number) => void this.ended.push(request),
    });
  }

  get head() {
    const { historyId, version } = this.#world.server.room.head;
    return { historyId, version };
  }

  answer(asked: Asked | undefined, error?: AlcoveError): void {
    if (asked === undefined) throw new TypeError('nothing was asked');
    const { server, database } = this.#world;
    const { connectionId, request, sql, params } = asked;
    if (error !== undefined) return server.room.answerRead(connectionId, request, error);
    const statement = database.prepare(sql);
    const rows = statement.all(params);
    server.room.answerRead(connectionId, request, {
      columns: statement.columns,
      cells: JSON.stringify(statement.columns.map((_, column) => rows.map((row) => cellToWire(row[column] ?? null)))),
      rows: rows.length,
      truncated: false,
      at: this.head,
      replica: 'reader-1',
      lag: { versions: 0, ms: 0.2 },
      tookMs: 3.4,
    });
  }
}

let world: EngineWorld;
let readers: Readers;
const open = (...options: ConstructorParameters<typeof EngineWorld>) => {
  world = new EngineWorld(...options);
  readers = new Readers(world);
};
afterEach(() => world.close());

const COUNT = 'SELECT count(*) AS n FROM lists';
let calls = 0;

/** A read, and what became of it so far. */
function ask(page: EnginePage, read: Partial<EngineRead> & { sql?: string; params?: Row } = {}) {
  const { sql = COUNT, params = [], at = null, waitMs = 2_000, route = {} } = read;
  calls += 1;
  const one: { call: number; rows?: ServerRows; error?: AlcoveError } = { call: calls };
  page.engine.serverRead(one.call, { ask: { sql, params }, at, waitMs, route }).then(
    (rows) => void (one.rows = rows),
    (error: unknown) => void (one.error = AlcoveError.from(error)),
  );
  return one;
}

const isOver = (one: ReturnType<typeof ask>) => (): boolean => one.rows !== undefined || one.error !== undefined;
const over = (one: ReturnType<typeof ask>) => world.until(isOver(one), 'the read is over', 120_000);

describe('a read on the server', () => {
  it('[RD-40] comes back with rows of every kind of value and with who read them where', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    const one = ask(page, { sql: 'SELECT ? AS a, ? AS a, ? AS c, NULL AS d, 1e999 AS e', params: ['x', new Uint8Array([1, 255]), 1.5] });
    await over(one);
    expect(one.rows).toEqual({
      columns: ['a', 'a', 'c', 'd', 'e'],
      rows: [['x', new Uint8Array([1, 255]), 1.5, null, Number.POSITIVE_INFINITY]],
      truncated: false,
      bookmark: bookmarkOf(readers.head),
      replica: 'reader-1',
      lagVersions: 0,
      lagMs: 0,
      tookMs: 3,
    });
  });

  it('[RD-41] misses nothing that was called before it, without being told', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    page.mutate('addList', { id: 'l1', name: 'one' });
    page.mutate('addList', { id: 'l2', name: 'two' });
    const one = ask(page);
    await over(one);
    expect(one.rows?.rows).toEqual([[2]]);
    expect(readers.asked[0]?.atLeast).toEqual({ historyId: page.status.historyId, version: page.status.version });
    expect(page.settled).toEqual(['1:applied', '2:applied']);
  });

  it('[RD-41] counts a rejected one as decided, and is not held up by what is called after it', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    page.mutate('tabOnly', { id: 'l1', name: 'one' });
    const one = ask(page, { waitMs: 300 });
    const later = world.time.setTimer(20, () => world.server.silence('up'));
    await over(one);
    later.cancel();
    expect(page.settled).toEqual(['1:forbidden']);
    expect(one.rows?.rows).toEqual([[0]]);
  });

  it('[RD-41] where another version will do, waits for nothing', async () => {
    open({ latencyMs: 50 });
    const page = world.tab('a');
    await world.quiet();
    page.mutate('addList', { id: 'l1', name: 'one' });
    for (const at of ['any', 'latest', bookmarkOf({ historyId: page.status.historyId ?? '', version: 0 })] as const) ask(page, { at });
    await world.until(() => readers.asked.length === 3, 'all were asked');
    expect(page.settled).toEqual([]);
    const { historyId } = page.status;
    expect(readers.asked.map(({ atLeast }) => atLeast?.historyId ?? null)).toEqual([null, historyId, historyId]);
  });

  it('[RD-42] past its time says how many are not decided', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    world.server.silence('up');
    page.mutate('addList', { id: 'l1', name: 'one' });
    page.mutate('addList', { id: 'l2', name: 'two' });
    const one = ask(page, { waitMs: 700 });
    const calledMs = world.time.nowMs;
    await over(one);
    expect(one.error).toMatchObject({ code: 'read_behind', message: '2 mutations called before the read were not decided within 700 ms' });
    expect(world.time.nowMs - calledMs).toBeLessThanOrEqual(720);
    expect(readers.asked).toEqual([]);
  });

  it('[RD-43] waits for a connection as long as it may', async () => {
    open();
    const page = world.tab('a', { start: false });
    const early = ask(page, { waitMs: 500 });
    await over(early);
    expect(early.error).toMatchObject({ code: 'connection_lost', retryable: true, message: 'the room was not reached within 500 ms' });
    const one = ask(page, { waitMs: 5_000 });
    page.engine.start();
    await over(one);
    expect(one.rows?.rows).toEqual([[0]]);
  });

  it('[RD-43] before the first snapshot asks for what the room had when it was reached', async () => {
    open({ frameMs: 20 });
    const writer = world.tab('w');
    for (let i = 0; i < 5; i++) writer.mutate('addList', { id: `l${i}`, name: `n${i}` });
    await world.quiet();
    const page = world.tab('a', {
      openDatabase: () => {
        throw new AlcoveError('storage_full', 'no memory');
      },
    });
    const one = ask(page, { waitMs: 5_000 });
    await over(one);
    expect(page.status.version).toBeNull();
    expect(readers.asked[0]?.atLeast).toEqual(readers.head);
    expect(one.rows?.rows).toEqual([[5]]);
  });

  it('[RD-44] whose connection is lost is asked again on the next one', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    readers.answers = null;
    const one = ask(page, { at: 'any' });
    await world.until(() => readers.asked.length === 1, 'it is asked');
    world.server.cut();
    await world.until(() => readers.asked.length === 2, 'it is asked again');
    expect(readers.ended).toEqual([readers.asked[0]?.request]);
    expect(readers.asked[1]?.connectionId).not.toBe(readers.asked[0]?.connectionId);
    readers.answer(readers.asked[1]);
    await over(one);
    expect(one.rows?.rows).toEqual([[0]]);
  });

  it('[RD-44] and fails where none follows in time', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    readers.answers = null;
    const one = ask(page, { at: 'any', waitMs: 1_000 });
    await world.until(() => readers.asked.length === 1, 'it is asked');
    await world.time.advanceAsync(900);
    page.engine.start(false);
    const lostMs = world.time.nowMs;
    await over(one);
    expect(one.error?.code).toBe('connection_lost');
    expect(world.time.nowMs - lostMs).toBeGreaterThanOrEqual(990);
  });

  it('[RD-43] fails at once where no connection comes before somebody does something', async () => {
    open({ access: () => new AlcoveError('unauthenticated', 'who are you?') });
    const page = world.tab('a');
    const early = ask(page, { waitMs: 60_000 });
    await world.until(() => page.status.connection === 'needsAuth', 'it is turned away');
    await over(early);
    const late = ask(page, { waitMs: 60_000 });
    const calledMs = world.time.nowMs;
    await over(late);
    expect([early.error?.code, late.error?.code]).toEqual(['unauthenticated', 'unauthenticated']);
    expect(world.time.nowMs - calledMs).toBeLessThan(50);
    page.engine.close();
    const closed = ask(page);
    await over(closed);
    expect(closed.error?.code).toBe('closed');
  });

  it('[RD-45] waits out a refusal that says for how long, where it has the time', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    const refusal = new AlcoveError('rate_limited', 'too many', { retryAfterMs: 400 });
    readers.answers = () => (readers.asked.length <= 2 ? refusal : 'rows');
    const startMs = world.time.nowMs;
    const one = ask(page, { waitMs: 2_000 });
    await over(one);
    expect(one.rows?.rows).toEqual([[0]]);
    expect(readers.asked.length).toBe(3);
    expect(world.time.nowMs - startMs).toBeGreaterThanOrEqual(800);
    readers.answers = () => refusal;
    const short = ask(page, { waitMs: 300 });
    await over(short);
    expect(short.error).toMatchObject({ code: 'rate_limited', retryAfterMs: 400 });
    expect(readers.asked.length).toBe(4);
  });

  it('[RD-45] is told an answer that is a refusal at once', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    readers.answers = () => new AlcoveError('sql_failed', 'no such table: nowhere');
    const one = ask(page);
    await over(one);
    expect(one.error).toMatchObject({ code: 'sql_failed', message: 'no such table: nowhere' });
    expect(readers.asked.length).toBe(1);
    expect(page.status.connection).toBe('live');
  });

  it('[RD-46] that nobody waits for is ended on the server, too', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    readers.answers = null;
    const one = ask(page);
    await world.until(() => readers.asked.length === 1, 'it is asked');
    page.engine.endServerRead(one.call);
    await over(one);
    expect(one.error?.code).toBe('closed');
    await world.until(() => readers.ended.length === 1, 'it is ended');
    readers.answer(readers.asked[0]);
    await world.time.advanceAsync(100);
    expect(page.status.connection).toBe('live');
  });

  it('[RD-46] without an answer is given up in the end, and ended', async () => {
    open();
    const page = world.tab('a', { limits: { serverReadTimeoutMs: 4_000 } });
    await world.quiet();
    readers.answers = null;
    const startMs = world.time.nowMs;
    const one = ask(page, { waitMs: 1_000 });
    await over(one);
    expect(one.error).toMatchObject({ code: 'query_timeout', limit: 'serverReadTimeoutMs' });
    expect(world.time.nowMs - startMs).toBeGreaterThanOrEqual(5_000);
    await world.until(() => readers.ended.length === 1, 'it is ended');
  });

  it('[RD-47] a few are under way at once, the others follow in order, and more than the bound are refused', async () => {
    open();
    const page = world.tab('a', { limits: { serverReadsMax: 2, serverReadsQueuedMax: 2 } });
    await world.quiet();
    readers.answers = null;
    const all = [1, 2, 3, 4].map((n) => ask(page, { sql: `SELECT ${n}` }));
    await world.until(() => readers.asked.length === 2, 'two are asked');
    const tooMany = ask(page);
    await over(tooMany);
    expect(tooMany.error).toMatchObject({ code: 'overloaded', limit: 'serverReadsQueuedMax' });
    // Standing in line is not waiting: its time is as it was.
    await world.time.advanceAsync(5_000);
    expect(readers.asked.length).toBe(2);
    readers.answer(readers.asked[1]);
    await world.until(() => readers.asked.length === 3, 'the next one is asked');
    readers.answer(readers.asked[0]);
    await world.until(() => readers.asked.length === 4, 'the last one is asked');
    for (const asked of readers.asked.slice(2)) {
      expect(asked.waitMs).toBeGreaterThan(1_900);
      readers.answer(asked);
    }
    for (const one of all) await over(one);
    expect(all.map(({ rows }) => rows?.rows[0]?.[0])).toEqual([1, 2, 3, 4]);
    expect(readers.asked.map(({ sql }) => sql)).toEqual(['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 4']);
  });

  it('[RD-47] larger than the room takes of a message costs nobody the connection', async () => {
    open();
    const page = world.tab('a');
    await world.quiet();
    const one = ask(page, { sql: 'SELECT ?', params: ['x'.repeat(1_200_000)] });
    await over(one);
    expect(one.error?.code).toBe('message_too_large');
    expect(page.status.connection).toBe('live');
  });
});
