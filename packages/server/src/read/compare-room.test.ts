import { AlcoveError } from '@alcove/core/error';
import { describe, expect, test } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { type ComparePace, compareRoom, KnownDigests } from './compare-room.ts';
import { EndSource } from './end-source.ts';
import type { Replica } from './replica.ts';
import type { RoomDigest } from './room-digest.ts';
import { RoomGone, RoomUnavailable } from './room-unavailable.ts';

type Step = readonly [version: number, content: string] | Error;

const room = { name: 'board', id: 'x' };
const digest = ([version, content]: readonly [number, string], historyId = 'h'): RoomDigest => ({
  at: { historyId, version },
  tables: [{ table: 'cards', rows: 10, checksum: content }],
});

/** Gives its digests one after the other, the last one again and again. */
function scripted(id: string, steps: readonly Step[]): Replica & { readonly asked: () => number } {
  let asked = 0;
  const unused = (): never => {
    throw new AlcoveError('internal', 'not asked');
  };
  return {
    id,
    dialect: 'sqlite',
    read: unused,
    check: unused,
    close: unused,
    asked: () => asked,
    digest: () => {
      const step = steps[Math.min(asked++, steps.length - 1)];
      return step instanceof Error || step === undefined ? Promise.reject(step) : Promise.resolve(digest(step));
    },
  };
}

const compared = async (theirs: readonly Step[], ours: readonly Step[], known = new KnownDigests(), pace?: ComparePace) => {
  const [replica, truth] = [scripted('a', theirs), scripted('readers', ours)];
  const outcome = await compareRoom({ runtime: new FakeRuntime(), truth, known }, replica, room, new EndSource().signal, pace);
  return { outcome, asked: [replica.asked(), truth.asked()] };
};

describe('[RD-82] comparing a room', () => {
  test('at one version it is the same, or names the tables that are not', async () => {
    expect(await compared([[3, 'x']], [[3, 'x']])).toEqual({ outcome: { kind: 'same', rows: 20 }, asked: [1, 1] });
    expect((await compared([[3, 'x']], [[3, 'y']])).outcome).toEqual({
      kind: 'wrong',
      found: { room, tables: ['cards'], version: 3 },
      rows: 20,
    });
  });

  test('while the room is written, any two digests of one version will do', async () => {
    const passing = await compared(
      [
        [3, 'x'],
        [5, 'z'],
      ],
      [
        [4, 'y'],
        [5, 'z'],
      ],
    );
    expect(passing).toEqual({ outcome: { kind: 'same', rows: 40 }, asked: [2, 2] });
    // The replica comes to the version that the primary's first digest was of.
    expect(
      (
        await compared(
          [
            [3, 'x'],
            [4, 'bad'],
          ],
          [[4, 'y']],
        )
      ).outcome.kind,
    ).toBe('wrong');
    const never = await compared(
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
        [4, 'd'],
      ],
      [
        [11, 'a'],
        [12, 'b'],
        [13, 'c'],
        [14, 'd'],
      ],
    );
    expect(never).toEqual({ outcome: { kind: 'unsure', reason: expect.stringContaining('too fast'), rows: 80 }, asked: [4, 4] });
  });

  test('what the primary held at a version is asked for once', async () => {
    const known = new KnownDigests();
    await compared([[3, 'x']], [[3, 'x']], known);
    expect((await compared([[3, 'x']], [[9, 'never asked']], known)).asked).toEqual([1, 0]);
    expect((await compared([[3, 'bad']], [[9, 'never asked']], known)).outcome.kind).toBe('wrong');
    expect((await compared([[4, 'y']], [[4, 'y']], known)).outcome.kind).toBe('same');
  });

  test('a replica that tells a version before the primary has it is wrong, one of another history is not compared', async () => {
    expect((await compared([[7, 'x']], [[6, 'x']])).outcome).toMatchObject({ kind: 'wrong', found: { tables: [], version: 7 } });
    const [replica, truth] = [scripted('a', [[7, 'x']]), scripted('readers', [[7, 'y']])];
    const other: Replica = { ...truth, digest: () => Promise.resolve(digest([7, 'y'], 'another')) };
    const outcome = await compareRoom(
      { runtime: new FakeRuntime(), truth: other, known: new KnownDigests() },
      replica,
      room,
      new EndSource().signal,
    );
    expect(outcome.kind).toBe('unsure');
  });

  test('one that cannot be read is unsure, a room that the primary does not have is gone', async () => {
    const no = new AlcoveError('replica_unavailable', 'no');
    expect((await compared([no], [[1, 'x']])).outcome).toMatchObject({ kind: 'unsure', reason: expect.stringContaining('no') });
    expect((await compared([[1, 'x']], [no])).outcome.kind).toBe('unsure');
    expect((await compared([[1, 'x']], [new RoomGone('no file')])).outcome.kind).toBe('gone');
    // The primary's readers make way where a log is moved: that says nothing of what the replica holds.
    expect((await compared([[1, 'x']], [new RoomUnavailable('made way')])).outcome.kind).toBe('unsure');
    expect((await compared([new RoomUnavailable('being copied')], [[1, 'x']])).outcome.kind).toBe('unsure');
    // Deleted, it is at neither: whoever waited for it to be compared waits no more.
    expect((await compared([new RoomUnavailable('the primary has none')], [new RoomGone('no file')])).outcome.kind).toBe('gone');
    expect(await compared([no], [new RoomGone('no file')])).toMatchObject({ outcome: { kind: 'unsure' }, asked: [1, 0] });
  });

  test('one that is not read in time is late, whichever side it is', async () => {
    const late = new AlcoveError('query_timeout', 'not done');
    expect((await compared([late], [[1, 'x']])).outcome).toMatchObject({
      kind: 'late',
      reason: expect.stringContaining('a: query_timeout'),
    });
    expect((await compared([[1, 'x']], [late])).outcome).toMatchObject({ kind: 'late', reason: expect.stringContaining('readers') });
  });

  test('one that is read for long is read at once on both sides, and then in turn', async () => {
    const pace = { timeoutMs: 60_000, atOnce: true };
    expect(await compared([[3, 'x']], [[3, 'x']], undefined, pace)).toEqual({ outcome: { kind: 'same', rows: 20 }, asked: [1, 1] });
    expect(
      (
        await compared(
          [[4, 'x']],
          [
            [3, 'w'],
            [4, 'y'],
          ],
          undefined,
          pace,
        )
      ).outcome,
    ).toMatchObject({ kind: 'wrong', found: { version: 4 } });
    expect(
      (
        await compared(
          [[9, 'x']],
          [
            [3, 'w'],
            [4, 'y'],
          ],
          undefined,
          pace,
        )
      ).outcome,
    ).toMatchObject({ kind: 'wrong', found: { tables: [] } });
  });

  test('few rooms are remembered, the latest', () => {
    const known = new KnownDigests(2);
    for (const id of ['a', 'b', 'c']) known.saw({ name: 'board', id }, digest([1, id]));
    expect(['a', 'b', 'c'].map((id) => known.of({ name: 'board', id })?.tables[0]?.checksum ?? null)).toEqual([null, 'b', 'c']);
  });
});
