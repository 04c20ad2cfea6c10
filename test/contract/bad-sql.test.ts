import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadAnswer } from '../../packages/server/src/read/replica.ts';
import { Prng } from '../fake/prng.ts';
import { BAD_SQL, ENDLESS_SQL, GOOD_SQL, GREEDY_SQL } from './bad-sql.ts';
import { drawGuestSql } from './guest-sql-fragments.ts';
import { type FileRoom, ReaderPoolWorld } from './reader-pool-world.ts';
import { codeOf, ReplicaReads } from './replica-reads.ts';

const MB = 1_000_000;
const HEAP_BYTES_MAX = 60 * MB;
const ADA: Claims = { sub: 'ada' };
/** `ALCOVE_FUZZ_SQL=20000`, and a seed: the long variant, some minutes. */
const LONG_RUNS = process.env['ALCOVE_FUZZ_SQL'];
const SEED = process.env['ALCOVE_FUZZ_SEED'] ?? 'guest sql 1';

/** Rooms of the same rows as far as ada sees them; what she does not see differs in value and number. */
async function fill(room: FileRoom, hidden: readonly string[]): Promise<void> {
  await room.mutate('putStops', { prefix: 's', count: 6 });
  await room.mutate('putNote', { id: 'a', owner: 'ada', body: '$', secret: hidden[0] ?? null });
  await room.mutate('putNote', { id: 'b', owner: 'bo', body: hidden[1] ?? 'nothing', secret: hidden[2] ?? null });
  await room.mutate('putNote', { id: 'm', owner: 'ada', body: 'mine', secret: hidden[0] ?? null });
  await room.mutate('putNote', { id: 'o', owner: 'ada', body: 'open', secret: 'shown' });
  await room.mutate('putNote', { id: 'z', owner: 'bo', body: hidden[3] ?? 'nothing', secret: null });
  for (const line of hidden) room.database.prepare('INSERT INTO audit (line) VALUES (?)').run([line]);
  for (const body of hidden.slice(4)) room.database.prepare('INSERT INTO notes (id, owner, body) VALUES (?, ?, ?)').run([body, 'bo', body]);
}

describe('SQL of users that is after something', () => {
  let world: ReaderPoolWorld;
  let room: FileRoom;
  let other: FileRoom;
  let reads: ReplicaReads;
  let otherReads: ReplicaReads;
  /** Never to be seen: hidden rows, values and tables, and what the room keeps for itself. */
  let canaries: readonly string[];

  beforeAll(async () => {
    world = new ReaderPoolWorld({ heapBytesMax: HEAP_BYTES_MAX });
    room = await world.makeRoom();
    other = await world.makeRoom();
    await fill(room, ['column-canary', 'row-canary', 'row-canary-2', '$.row-canary']);
    await fill(other, ['[]', '{}', '', '1', 'x1', 'x2']);
    reads = new ReplicaReads(world, room);
    otherReads = new ReplicaReads(world, other);
    const secret = room.database.prepare("SELECT hex(value) FROM alcove_meta WHERE name = 'secret'").get()?.[0];
    canaries = ['canary', String(secret), other.historyId, '/alcove-readers', 'guard_'];
  });
  afterAll(() => world.close());

  const digest = (): string[] =>
    [room, other].flatMap(({ path }) =>
      ['', '-wal'].map((ending) =>
        createHash('sha256')
          .update(readFileSync(path + ending))
          .digest('hex'),
      ),
    );
  const pids = (): readonly number[] => world.replica.load.pids;
  const expectQuiet = (told: string, text: string): void => {
    for (const canary of canaries)
      if (told.includes(canary) && !text.includes(canary)) expect.fail(`${canary} is told: ${told}\nof ${text}`);
  };

  for (const { after, code, texts } of BAD_SQL) {
    it(`[RD-68] is refused: ${after}`, async () => {
      const before = digest();
      await reads.read('SELECT 1');
      const processes = pids();
      for (const template of texts) {
        const text = template.replaceAll('OTHER', other.path);
        const error = await reads.read(text, { claims: ADA }).then(
          (answer) => expect.fail(`answered: ${text}\n${answer.cells}`),
          (cause: unknown) => AlcoveError.from(cause),
        );
        expect(`${error.code} of ${text.slice(0, 200)}`).toBe(`${code} of ${text.slice(0, 200)}`);
        expectQuiet(`${error.message} ${error.hint}`, text);
      }
      expect(await reads.rows('SELECT count(*) FROM stops', { claims: ADA })).toEqual([[6]]);
      expect(pids()).toEqual(processes);
      expect(digest()).toEqual(before);
      expect(existsSync(`${other.path}.copy`)).toBe(false);
    });
  }

  it('[RD-68] is not taken for it where it only looks so', async () => {
    for (const text of GOOD_SQL) expect((await reads.read(text, { claims: ADA })).rows, text).toBeGreaterThan(0);
  });

  it('[RD-68] has at most 100 parameters, of what SQL holds', async () => {
    const many = (count: number) => `SELECT ${Array.from({ length: count }, () => '?').join(' + ')} AS a`;
    expect(await reads.rows('SELECT ?100 AS a', { params: Array.from({ length: 100 }, (_, at) => at) })).toEqual([[99]]);
    expect(await codeOf(reads.read(many(101), { params: Array.from({ length: 101 }, () => 1) }))).toBe('sql_failed');
    const odd = ['\0', '\uD800', new Date(0), {}, [], true, undefined, 10n] as unknown as string[]; // what no type keeps a caller from
    for (const value of odd) expect(await codeOf(reads.read('SELECT ? AS a', { params: [value] })), String(value)).toBe('sql_failed');
    expect(await reads.rows('SELECT ? AS a, typeof(?) AS b', { params: [Number.NaN, 1] })).toEqual([[null, 'integer']]);
  });

  it('[RD-65] is ended in time where it goes on for ever, each by itself', async () => {
    await reads.read('SELECT 1');
    const before = digest();
    const ended = await Promise.all(
      ENDLESS_SQL.map(async (text) => {
        const code = await codeOf(reads.read(text, { timeoutMs: 400 }));
        return [code, await reads.rows('SELECT 2 AS two')];
      }),
    );
    expect(ended).toEqual(ENDLESS_SQL.map(() => ['query_timeout', [[2]]]));
    expect(digest()).toEqual(before);
  });

  it.skipIf(!existsSync('/proc/self/status'))('[RD-70] takes no more memory than it may, then its process ends', async () => {
    for (const text of LONG_RUNS === undefined ? GREEDY_SQL.slice(0, 2) : GREEDY_SQL) {
      await Promise.all([reads.read('SELECT 1'), reads.read('SELECT 1')]);
      const base = Math.max(...pids().map(residentBytes));
      let most = 0;
      const looks = setInterval(() => {
        most = Math.max(most, ...pids().map(residentBytes));
      }, 5);
      expect(await codeOf(reads.read(text, { timeoutMs: 30_000 })), text).toBe('result_too_large');
      clearInterval(looks);
      expect(most, text).toBeLessThan(base + HEAP_BYTES_MAX + 60 * MB);
    }
    expect(await reads.rows('SELECT 2 AS two')).toEqual([[2]]);
  });

  it('[RD-69] learns nothing of what is hidden, whatever it asks: not by rows, failures, their words or their absence', async () => {
    const prng = new Prng(SEED);
    const runs = Number(LONG_RUNS ?? 600);
    const before = digest();
    const fates = new Map<string, number>();
    for (let run = 0; run < runs; run += 1) {
      const text = drawGuestSql(prng);
      const params = Array.from({ length: text.split('?').length - 1 }, () => prng.pick([1, 'mine', null]));
      const [here, there] = await Promise.all([fateOf(reads, text, params), fateOf(otherReads, text, params)]);
      expectQuiet(here.told, text);
      if (here.told !== there.told && ![here.code, there.code].includes('query_timeout')) {
        expect.fail(`told apart by ${JSON.stringify(text)} with ${JSON.stringify(params)}\n${here.told}\n${there.told}`);
      }
      fates.set(here.code, (fates.get(here.code) ?? 0) + 1);
    }
    // What is drawn is mostly SQL, and mostly allowed.
    for (const fate of ['rows', 'none', 'sql_failed', 'sql_refused']) expect(fates.get(fate), fate).toBeGreaterThan(runs / 50);
    expect(fates.get('query_timeout') ?? 0).toBeLessThan(runs / 50);
    expect(fates.get('replica_unavailable')).toBe(undefined);
    expect(digest()).toEqual(before);
  });
});

interface Fate {
  readonly code: string;
  /** All that comes back. */
  readonly told: string;
}

async function fateOf(reads: ReplicaReads, text: string, params: readonly (string | number | null)[]): Promise<Fate> {
  return reads.read(text, { params, claims: ADA, timeoutMs: 2_000, rowsMax: 200 }).then(
    (answer: ReadAnswer) => ({
      code: answer.rows > 0 ? 'rows' : 'none',
      told: JSON.stringify([answer.columns, answer.cells, answer.truncated]),
    }),
    (cause: unknown) => {
      const { code, message, hint } = AlcoveError.from(cause);
      return { code, told: JSON.stringify([code, message, hint]) };
    },
  );
}

/** 0 where the process is gone. */
function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
