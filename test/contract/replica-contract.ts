import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoomDigest } from '../../packages/server/src/read/room-digest.ts';
import type { Replica } from '../../packages/server/src/read/replica.ts';
import { BOUNDS, codeOf, ReplicaReads, type ReplicaRoom, type ReplicaWorld, rowsIn } from './replica-reads.ts';

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0';
/** What a replica may take to end a read, and a busy machine to notice. */
const ENDED_MS = 1_000 + 2_000;

/** What every replica owes, in SQL that all dialects read alike. */
export function replicaContract(name: string, make: () => Promise<ReplicaWorld>): void {
  describe(`a replica: ${name}`, () => {
    let world: ReplicaWorld;
    beforeAll(async () => {
      world = await make();
    });
    afterAll(() => world.close());
    const fresh = async (): Promise<Fresh> => {
      const room = await world.makeRoom();
      return { world, room, reads: new ReplicaReads(world, room) };
    };
    answersContract(fresh);
    bookmarksContract(fresh);
    boundsContract(fresh);
    endsContract(fresh);
    sightContract(fresh);
    digestContract(fresh);

    it('[RD-66] closed, ends what runs and takes nothing more', async () => {
      const closing = await make();
      const reads = new ReplicaReads(closing, await closing.makeRoom());
      await reads.rows('SELECT 1 AS one');
      const running = Array.from({ length: 3 }, () => codeOf(reads.read(ENDLESS)));
      const closed = closing.replica.close();
      expect(await Promise.all(running)).toEqual(['closed', 'closed', 'closed']);
      await closed;
      await closing.replica.close();
      expect(await codeOf(reads.read('SELECT 1 AS one'))).toBe('closed');
      expect(await codeOf(closing.replica.check(new AbortController().signal))).toBe('closed');
      expect(await codeOf(closing.replica.digest({ name: 'read', id: 'r' }, new AbortController().signal))).toMatch(
        /^(?:closed|replica_unavailable)$/,
      );
      await closing.close();
    });
  });
}

interface Fresh {
  readonly world: ReplicaWorld;
  readonly room: ReplicaRoom;
  readonly reads: ReplicaReads;
}

type MakeFresh = () => Promise<Fresh>;

function answersContract(fresh: MakeFresh): void {
  it('[RD-60] answers joins, aggregates, windows and recursive CTEs, with parameters and names', async () => {
    const { room, reads } = await fresh();
    await room.mutate('putStop', { id: 'a', city: 'Kyoto', nights: 3, price: 1.5 });
    await room.mutate('putStop', { id: 'b', city: 'Nara', nights: 1 });
    const atLeast = await room.mutate('putNote', { id: 'n', owner: 'a', body: 'x', secret: null });
    const joined = await reads.rows('SELECT s.city, n.body FROM stops s JOIN notes n ON n.owner = s.id WHERE s.nights > ?', {
      params: [2],
      atLeast,
    });
    expect(joined).toEqual([['Kyoto', 'x']]);
    const answer = await reads.read(
      'SELECT "stops"."city" AS "The City", sum(nights) OVER (ORDER BY id) AS total FROM "stops" ORDER BY id',
    );
    expect(answer.columns).toEqual(['The City', 'total']);
    expect(rowsIn(answer)).toEqual([
      ['Kyoto', 3],
      ['Nara', 4],
    ]);
    const counted = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) AS s FROM n';
    expect(await reads.rows(counted)).toEqual([[15]]);
    expect(await reads.rows('SELECT city FROM stops WHERE nights IS NULL')).toEqual([]);
  });

  it('[RD-60] gives every value back as it is', async () => {
    const { room, reads } = await fresh();
    const photo = [0, 255, 1];
    const city = 'naïve 🗾 \u2028 "\\\u0001';
    const atLeast = await room.mutate('putStop', { id: 'a', city, nights: Number.MAX_SAFE_INTEGER, price: 0.1, photo });
    const all = 'SELECT city, nights, price, photo, NULL AS none FROM stops';
    expect(await reads.rows(all, { atLeast })).toEqual([[city, Number.MAX_SAFE_INTEGER, 0.1, { b: 'AP8B' }, null]]);
    const bound = 'SELECT id FROM stops WHERE city = ? AND nights = ? AND price = ? AND photo = ?';
    expect(await reads.rows(bound, { params: [city, Number.MAX_SAFE_INTEGER, 0.1, Uint8Array.from(photo)] })).toEqual([['a']]);
  });

  it('[RD-60] answers each of many reads at once with its own rows', async () => {
    const { room, reads } = await fresh();
    const atLeast = await room.mutate('putStops', { prefix: 's', count: 100 });
    const asked = Array.from({ length: 40 }, (_, at) => at);
    const one = 'SELECT nights FROM stops WHERE id = ?';
    const answers = await Promise.all(asked.map((at) => reads.rows(one, { params: [`s${String(at).padStart(5, '0')}`], atLeast })));
    expect(answers).toEqual(asked.map((at) => [[at]]));
  });

  it('[RD-61] refuses what is not one statement that only reads, and changes nothing', async () => {
    const { room, reads } = await fresh();
    const atLeast = await room.mutate('putStop', { id: 'a', city: 'Kyoto' });
    for (const text of [
      "INSERT INTO stops (id, city) VALUES ('x', 'y')",
      "UPDATE stops SET city = 'x'",
      'DELETE FROM stops',
      'DROP TABLE stops',
      'SELECT 1; DELETE FROM stops',
      'SELECT 1; SELECT 2',
      '',
      '-- nothing',
      'BEGIN',
      'SELEC 1',
    ]) {
      expect(await codeOf(reads.read(text)), text).toMatch(/^sql_(?:refused|failed)$/);
    }
    expect(await codeOf(reads.read('SELECT ? AS a', { params: [] }))).toBe('sql_failed');
    expect(await codeOf(reads.read('SELECT 1 AS a', { params: [1] }))).toBe('sql_failed');
    expect(await reads.rows('SELECT id, city FROM stops', { atLeast })).toEqual([['a', 'Kyoto']]);
  });

  it('[RD-62] answers a check with its lag', async () => {
    const { world } = await fresh();
    const lag = await world.replica.check(new AbortController().signal);
    expect(lag.versions).toBeGreaterThanOrEqual(0);
    expect(lag.ms).toBeGreaterThanOrEqual(0);
  });
}

function bookmarksContract(fresh: MakeFresh): void {
  it('[RD-3] never answers with less than was asked for', async () => {
    const { room, reads } = await fresh();
    const at = await room.mutate('putStop', { id: 'a', city: 'Kyoto' });
    await reads.rows('SELECT 1 AS one', { atLeast: at });
    const answer = await reads.read('SELECT count(*) AS n FROM stops', { atLeast: at });
    expect(answer.at).toEqual(at);
    expect(await codeOf(reads.read('SELECT 1 AS one', { atLeast: { ...at, version: at.version + 1 } }))).toBe('read_behind');
    expect(await codeOf(reads.read('SELECT 1 AS one', { atLeast: { historyId: 'another', version: 1 } }))).toBe('read_behind');
  });

  it('[RD-63] reads rows and version in one snapshot, while the room is written', async () => {
    const { room, reads } = await fresh();
    const first = await room.mutate('putStop', { id: 'first', city: 'x' });
    await reads.rows('SELECT 1 AS one', { atLeast: first });
    let written = 0;
    const writing = (async () => {
      for (; written < 60; written += 1) await room.mutate('putStop', { id: `s${written}`, city: 'x' });
    })();
    let last = 0;
    while (written < 60) {
      const answer = await reads.read('SELECT count(*) AS n FROM stops');
      expect(answer.at.version - first.version + 1).toBe(rowsIn(answer)[0]?.[0]);
      expect(answer.at.version).toBeGreaterThanOrEqual(last);
      last = answer.at.version;
    }
    await writing;
  });
}

function boundsContract(fresh: MakeFresh): void {
  it('[RD-64] ends an answer at its rows and says so only where there were more', async () => {
    const { room, reads } = await fresh();
    const atLeast = await room.mutate('putStops', { prefix: 's', count: 20 });
    await reads.rows('SELECT 1 AS one', { atLeast });
    const text = 'SELECT nights FROM stops ORDER BY nights';
    const answer = await reads.read(text, { rowsMax: 19 });
    expect([answer.rows, answer.truncated, rowsIn(answer).at(-1)]).toEqual([19, true, [18]]);
    const whole = await reads.read(text, { rowsMax: 20 });
    expect([whole.rows, whole.truncated]).toEqual([20, false]);
    const none = await reads.read('SELECT id, nights FROM stops WHERE nights < 0');
    expect([none.rows, none.truncated, none.columns, none.cells]).toEqual([0, false, ['id', 'nights'], '[[],[]]']);
  });

  it('[RD-64] ends an answer at its bytes; a row that passes them alone is refused', async () => {
    const { room, reads } = await fresh();
    await room.mutate('putStop', { id: 'a', city: 'é'.repeat(400) });
    await room.mutate('putStop', { id: 'b', city: 'é'.repeat(400) });
    const atLeast = await room.mutate('putStop', { id: 'c', city: 'x'.repeat(5_000) });
    await reads.rows('SELECT 1 AS one', { atLeast });
    const text = 'SELECT city FROM stops ORDER BY id';
    const answer = await reads.read(text, { bytesMax: 1_700 });
    expect([answer.rows, answer.truncated]).toEqual([2, true]);
    expect(Buffer.byteLength(answer.cells)).toBeLessThanOrEqual(1_700);
    expect((await reads.read(text, { bytesMax: 1_600 })).rows).toBe(1);
    expect(await codeOf(reads.read("SELECT city FROM stops WHERE id = 'c'", { bytesMax: 4_000 }))).toBe('result_too_large');
    expect(rowsIn(await reads.read("SELECT id FROM stops WHERE id = 'c'"))).toEqual([['c']]);
  });

  it('[RD-65] ends what takes too long, and answers right after', async () => {
    const { reads } = await fresh();
    await reads.rows('SELECT 1 AS one');
    const began = performance.now();
    expect(await codeOf(reads.read(ENDLESS, { timeoutMs: 300 }))).toBe('query_timeout');
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(300 + ENDED_MS);
    expect(await reads.rows('SELECT 2 AS two')).toEqual([[2]]);
  });
}

function endsContract(fresh: MakeFresh): void {
  it('[RD-5] ends what nobody waits for any more, and answers right after', async () => {
    const { reads } = await fresh();
    await reads.rows('SELECT 1 AS one');
    expect(await codeOf(reads.read('SELECT 1 AS one', { signal: AbortSignal.abort() }))).toBe('closed');
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const endless = controllers.map(({ signal }) => codeOf(reads.read(ENDLESS, { signal })));
    const began = performance.now();
    for (const controller of controllers) controller.abort();
    expect(await Promise.all(endless)).toEqual(['closed', 'closed', 'closed', 'closed']);
    expect(performance.now() - began).toBeLessThan(ENDED_MS);
    expect(await reads.rows('SELECT 2 AS two')).toEqual([[2]]);
    expect(performance.now() - began).toBeLessThan(BOUNDS.timeoutMs);
  });
}

function sightContract(fresh: MakeFresh): void {
  const ADA: Claims = { sub: 'ada' };

  it('[RD-7] shows what its reader may see, to each of them by the same SQL', async () => {
    const { room, reads } = await fresh();
    await room.mutate('putNote', { id: 'a', owner: 'ada', body: 'mine', secret: 'hidden-canary' });
    await room.mutate('putNote', { id: 'o', owner: 'ada', body: 'open', secret: 'shown' });
    const atLeast = await room.mutate('putNote', { id: 'b', owner: 'bo', body: 'row-canary', secret: null });
    const all = 'SELECT id, body, secret, shout FROM notes ORDER BY id';
    const seen = [
      ['a', 'mine', null, 'NONE'],
      ['o', 'open', 'shown', 'SHOWN'],
    ];
    expect(await reads.rows(all, { claims: ADA, atLeast })).toEqual(seen);
    expect(await reads.rows(all)).toEqual([
      ['a', 'mine', 'hidden-canary', 'HIDDEN-CANARY'],
      ['b', 'row-canary', null, 'NONE'],
      ['o', 'open', 'shown', 'SHOWN'],
    ]);
    expect(await reads.rows(all, { claims: { sub: 'bo' } })).toEqual([['b', 'row-canary', null, 'NONE']]);
    expect(await reads.rows(all, { claims: { sub: 'nobody' } })).toEqual([]);
    expect(await reads.rows(all, { claims: ADA })).toEqual(seen);
    expect(await reads.rows('SELECT count(*) AS n FROM notes', { claims: ADA })).toEqual([[2]]);
  });

  it('[RD-67] tells a table that is hidden and one that does not exist alike', async () => {
    const { room, reads } = await fresh();
    const atLeast = await room.mutate('putAudit', { line: 'audit-canary' });
    await reads.rows('SELECT 1 AS one', { atLeast });
    const failure = async (text: string): Promise<unknown> => {
      const error = await reads.read(text, { claims: ADA }).catch((cause: unknown) => cause);
      return error instanceof AlcoveError ? [error.code, error.message, error.hint] : error;
    };
    for (const text of [
      'SELECT * FROM audit',
      'SELECT count(*) AS n FROM audit',
      'SELECT nope FROM audit',
      'SELECT 1 AS one WHERE 1 IN (SELECT id FROM audit)',
    ]) {
      const hidden = await failure(text);
      expect(hidden).toMatchObject(['sql_failed', expect.stringContaining('no such table'), expect.anything()]);
      expect(await failure(text.replace('audit', 'adiut')), text).toEqual(hidden);
    }
  });
}

/** Digests of a room until the replica has reached that version. */
async function digestAt(replica: Replica, { address }: ReplicaRoom, at: BookmarkParts): Promise<RoomDigest> {
  for (;;) {
    const digest = await replica.digest(address, new AbortController().signal);
    expect(digest.at.version).toBeLessThanOrEqual(at.version);
    if (digest.at.version === at.version) return digest;
  }
}

function digestContract(fresh: MakeFresh): void {
  const first = { id: 'a', city: 'naïve 🗾', nights: 3, price: 2, photo: [0, 255] };
  const second = { id: 'b', city: 'Nara', price: -0.5 };
  const note = { id: 'n', owner: 'ada', body: 'x', secret: 'hidden' };

  it('[RD-79] gives equal rooms equal digests, whatever the order of their rows, and others other ones', async () => {
    const { world, room } = await fresh();
    await room.mutate('putStop', first);
    await room.mutate('putStop', second);
    const digest = await digestAt(world.replica, room, await room.mutate('putNote', note));
    expect(digest.tables.map(({ table, rows }) => [table, rows])).toEqual([
      ['alcove_values', 0],
      ['notes', 1],
      ['stops', 2],
    ]);
    const other = await world.makeRoom();
    await other.mutate('putNote', note);
    await other.mutate('putStop', second);
    const at = await other.mutate('putStop', first);
    const same = await digestAt(world.replica, other, at);
    expect(same.tables).toEqual(digest.tables);
    expect(same.at).toEqual(at);
    const more = await digestAt(world.replica, other, await other.mutate('putAudit', { line: 'stays in the room' }));
    expect(more.tables).toEqual(digest.tables);
    const changed = await digestAt(world.replica, other, await other.mutate('putStop', { ...second, id: 'c' }));
    expect(changed.tables.filter((table, index) => table.checksum !== digest.tables[index]?.checksum)).toEqual([
      { table: 'stops', rows: 3, checksum: expect.stringMatching(/^[0-9a-f]{16}$/) },
    ]);
  });

  it('[RD-79] fails as a read does where there is no such room, and for whoever waits no more', async () => {
    const { world, room } = await fresh();
    const signal = new AbortController().signal;
    expect(await codeOf(world.replica.digest({ ...room.address, id: 'nobody-made-it' }, signal))).toBe('replica_unavailable');
    expect(await codeOf(world.replica.digest(room.address, AbortSignal.abort()))).toBe('closed');
  });

  it('[RD-98] has the time that it is given, and one that may take longer keeps no other waiting', { timeout: 60_000 }, async () => {
    const { world, room } = await fresh();
    for (const prefix of ['a', 'b', 'c']) await room.mutate('putStops', { prefix, count: 2_000 });
    const before = await digestAt(world.replica, room, await room.mutate('putStops', { prefix: 'd', count: 2_000 }));
    const digest = (timeoutMs?: number) => world.replica.digest(room.address, new AbortController().signal, timeoutMs);
    expect(await codeOf(digest(1))).toBe('query_timeout');
    expect(await Promise.all([digest(60_000), digest()])).toEqual([before, before]);
  });

  it('[RD-80] takes a room anew where it is told to, and holds the same again', async () => {
    const { world, room, reads } = await fresh();
    const at = await room.mutate('putStops', { prefix: 's', count: 20 });
    const before = await digestAt(world.replica, room, at);
    await world.replica.resync?.(room.address);
    expect(await digestAt(world.replica, room, at)).toEqual(before);
    const later = await room.mutate('putStop', first);
    expect(await reads.rows('SELECT count(*) AS n FROM stops', { atLeast: later })).toEqual([[21]]);
  });
}
