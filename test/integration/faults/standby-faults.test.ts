import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgCluster } from '../postgres/pg-cluster.ts';
import type { PgNode } from '../postgres/pg-node.ts';
import { bareUrl } from '../postgres/pg-world.ts';
import { CheckedReads, type Fate } from './checked-reads.ts';
import { eventually, FaultFleet, QUICK } from './fault-fleet.ts';
import { entries } from './fault-room.ts';

const DEADLINE_MS = 20_000;
const WAIT_MS = 2_000;
const STARTED_MS = 60_000;

let cluster: PgCluster;
let fleet: FaultFleet;
let checked: CheckedReads;
let one: PgNode;

const mirrored = (primary: PgNode, standbys: readonly PgNode[]) => ({
  mirror: { url: primary.url, prefix: 'faults', batchMs: 10, checkIntervalMs: 0 },
  replicas: {
    limits: QUICK,
    replicas: standbys.map((node, index) => ({ url: bareUrl(node), id: `standby-${index + 1}`, connectTimeoutMs: 500 })),
  },
});

beforeAll(async () => {
  cluster = await PgCluster.start({ standbys: 2 });
  one = cluster.standbys[0] as PgNode; // two were asked for
  fleet = await FaultFleet.start(0, mirrored(cluster.primary, cluster.standbys));
  checked = await CheckedReads.begin(fleet, (options) => fleet.room.sql.sums(undefined, options));
  await isSound();
}, STARTED_MS);
afterAll(async () => {
  await fleet?.close();
  await cluster?.close();
}, STARTED_MS);

const read = (at = checked.newest): Promise<Fate> => checked.read({ at, waitMs: WAIT_MS }, DEADLINE_MS);
const isSound = (): Promise<void> => fleet.isSound(() => checked.read({ at: 'any', waitMs: WAIT_MS }, DEADLINE_MS));
/** Writes, and reads what was written and what was before it; who answered. */
async function workOn(times: number): Promise<readonly string[]> {
  const replicas: string[] = [];
  for (let time = 0; time < times; time += 1) {
    const at = await checked.write();
    for (const fate of await Promise.all([read(at), read(checked.recent(5))])) {
      expect(fate).toMatchObject({ kind: 'answered' });
      replicas.push((fate as Extract<Fate, { kind: 'answered' }>).replica);
    }
  }
  return replicas;
}
const answersAgain = (id: string): Promise<void> => eventually(async () => expect(await workOn(1)).toContain(id));
const isOut = (id: string): Promise<void> =>
  eventually(async () => {
    await workOn(1);
    expect(await fleet.replica(id)).toMatchObject({ isUp: false, lastError: { code: 'replica_unavailable' } });
  });

describe('a mirrored room whose standby', () => {
  it('[RD-32][RD-34] is killed is read on from the others, and from it when it is back', async () => {
    await answersAgain('standby-1');
    await one.kill();
    expect(await workOn(6)).not.toContain('standby-1');
    await isOut('standby-1');
    await one.start();
    await isSound();
    await answersAgain('standby-1');
  });

  it('[RD-32][RD-34] stands still is read on from the others, and from it when it goes on', async () => {
    one.pause();
    await isOut('standby-1');
    expect(await workOn(3)).not.toContain('standby-1');
    one.resume();
    await isSound();
    await answersAgain('standby-1');
  });

  it('[RD-33] lags is never asked for what it lacks, and catches up', async () => {
    await one.setApplyDelay(600_000);
    const at = await checked.write();
    for (let time = 0; time < 6; time += 1) expect(await read(at)).not.toMatchObject({ replica: 'standby-1' });
    // What it holds it may answer still; nobody is told anything older than asked for.
    await workOn(4);
    await one.setApplyDelay(0);
    await isSound();
    await answersAgain('standby-1');
  });

  it('[RD-35] is gone, and the other one too, is read from the mirror’s own primary, which the counts say', async () => {
    const { counts } = await fleet.routing();
    for (const node of cluster.standbys) await node.kill();
    for (const id of await workOn(5)) expect(id).not.toMatch(/^standby/);
    expect((await fleet.routing()).counts.fallbacks).toBeGreaterThanOrEqual(counts.fallbacks + 10);
    for (const node of cluster.standbys) await node.start();
    await isSound();
    await answersAgain('standby-1');
  });

  it(
    '[RD-33][MI-3] is promoted, because their primary was killed: meanwhile nobody is told anything older, then reads go on from there',
    async () => {
      await workOn(1);
      await cluster.level();
      const held = checked.newest;
      await cluster.primary.kill();
      expect(await read(held)).toMatchObject({ kind: 'answered', replica: expect.stringMatching(/^standby/) });
      const lost = await checked.write();
      const fate = await checked.read({ at: lost, waitMs: 200 }, 1_000);
      expect(fate.kind).not.toBe('answered');
      expect(fate.kind).not.toBe('wrong');
      // Who writes, and who reads SQLite, notices nothing.
      const { rows } = await fleet.room.sql((db) => db.select().from(entries));
      expect(rows.length).toBe(checked.entries);

      await one.promote();
      await (cluster.standbys[1] as PgNode).follow(one); // two were asked for
      await fleet.restart(mirrored(one, cluster.standbys.slice(1)));
      await eventually(async () => expect(await read(lost)).toMatchObject({ kind: 'answered' }));
      await answersAgain('standby-1');
    },
    STARTED_MS,
  );
});
