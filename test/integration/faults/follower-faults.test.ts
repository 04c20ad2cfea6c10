import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CheckedReads, type Fate } from './checked-reads.ts';
import { eventually, FaultFleet, type FaultyFollower } from './fault-fleet.ts';

const DEADLINE_MS = 15_000;
const WAIT_MS = 1_000;

let fleet: FaultFleet;
let checked: CheckedReads;
beforeAll(async () => {
  fleet = await FaultFleet.start(2);
  checked = await CheckedReads.begin(fleet);
}, 60_000);
afterEach(async () => {
  for (const follower of fleet.followers) {
    follower.goOn();
    follower.log.set('open');
    follower.reads.set('open');
  }
  await fleet.isSound();
}, 40_000);
afterAll(() => fleet.close());

const one = (): FaultyFollower => fleet.followers[0] as FaultyFollower; // the fleet has two
/** Writes, then reads what was written, so many times; each at least as new as asked, or told otherwise here. */
async function workOn(times: number): Promise<readonly string[]> {
  const replicas: string[] = [];
  for (let time = 0; time < times; time += 1) {
    const at = await checked.write();
    const fates = await Promise.all([at, at, checked.recent(20)].map((asked) => checked.read({ at: asked, waitMs: WAIT_MS }, DEADLINE_MS)));
    for (const fate of fates) {
      expect(fate).toMatchObject({ kind: 'answered' });
      replicas.push((fate as Extract<Fate, { kind: 'answered' }>).replica);
    }
  }
  return replicas;
}
/** Reads until the router has found out what the test did. */
const readUntil = (check: () => Promise<void>): Promise<void> =>
  eventually(async () => {
    expect(await checked.read({ at: 'any' }, DEADLINE_MS)).toMatchObject({ kind: 'answered' });
    await check();
  });
const isDown = (id: string) => async (): Promise<void> => expect(await fleet.replica(id)).toMatchObject({ isUp: false });

describe('a server whose follower', () => {
  it('[RD-33][FO-7] hears no log any more, while its sockets stay open, is never asked for what it lacks, and catches up', async () => {
    await workOn(3);
    one().log.set('silent');
    const replicas = await workOn(10);
    expect(replicas).not.toContain(undefined);
    // What it holds it still answers; of what came since the other one, and the server itself.
    expect(new Set(replicas).has('follower-2')).toBe(true);
    one().log.set('open');
    await eventually(async () => {
      const before = (await fleet.replica('follower-1')).reads;
      await workOn(2);
      expect((await fleet.replica('follower-1')).reads).toBeGreaterThan(before);
    });
  });

  it('[RD-32][RD-34] cannot be reached is asked no more until it can: its breaker opens, then closes by degrees', async () => {
    one().reads.set('cut');
    await readUntil(isDown('follower-1'));
    expect(await workOn(5)).not.toContain('follower-1');
    const { errors, lastError } = await fleet.replica('follower-1');
    expect(errors.replica_unavailable ?? 0).toBeGreaterThan(0);
    expect(lastError).toMatchObject({ code: 'replica_unavailable' });
    one().reads.set('open');
    await fleet.isSound();
    await readUntil(async () => expect(await workOn(1)).toContain('follower-1'));
  });

  it('[RD-26][RD-32] stands still costs its reads a moment, then is asked no more until it goes on', async () => {
    one().pause();
    const replicas = await workOn(8);
    expect(replicas.filter((id) => id === 'follower-1')).toEqual([]);
    await readUntil(isDown('follower-1'));
    one().goOn();
    await fleet.isSound();
  });

  it('[FO-2][RD-34] is killed and started again goes on from its file, and is let back in', async () => {
    await one().kill();
    expect(await workOn(5)).not.toContain('follower-1');
    await one().startAgain();
    await fleet.isSound();
    await readUntil(async () => expect(await workOn(1)).toContain('follower-1'));
  });

  it('[RD-35] is gone, and the other too, answers by itself, and says so', async () => {
    const { counts } = await fleet.routing();
    for (const follower of fleet.followers) follower.reads.set('cut');
    const replicas = await workOn(10);
    expect(new Set(replicas)).toEqual(new Set(['readers']));
    const after = await fleet.routing();
    expect(after.counts.fallbacks).toBeGreaterThanOrEqual(counts.fallbacks + 30);
    for (const id of ['follower-1', 'follower-2']) await readUntil(isDown(id));
    for (const follower of fleet.followers) follower.reads.set('open');
    await fleet.isSound();
    await readUntil(async () => expect((await workOn(1)).some((id) => id !== 'readers')).toBe(true));
  });
});
