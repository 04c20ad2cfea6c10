import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckedReads } from './checked-reads.ts';
import { eventually, FaultFleet } from './fault-fleet.ts';
import { tellsProcesses } from './process-tree.ts';

const ENDLESS = sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`;
const DEADLINE_MS = 15_000;

describe.skipIf(!tellsProcesses)('a server whose reader process is killed', () => {
  let fleet: FaultFleet;
  let checked: CheckedReads;
  beforeAll(async () => {
    fleet = await FaultFleet.start(0, { limits: { readTimeoutMs: 20_000 } });
    checked = await CheckedReads.begin(fleet);
  }, 60_000);
  afterAll(() => fleet.close());

  const runs = (): Promise<unknown> =>
    fleet.room.sql(ENDLESS, { at: 'any' }).then(
      () => 'answered',
      (error: unknown) => error,
    );
  const areRunning = (count: number): Promise<void> =>
    eventually(async () => expect(await fleet.replica('readers')).toMatchObject({ inFlight: count, queued: 0 }));

  it('[RD-71] in the middle of a statement loses that one read, and says so; others, and writes, go on', async () => {
    expect(await checked.read({ at: await checked.write() }, DEADLINE_MS)).toMatchObject({ kind: 'answered' });
    const failed = runs();
    await areRunning(1);
    // Whichever of them has it: a look may have had a second one started.
    const pids = fleet.readers;
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(await failed).toMatchObject({ code: 'replica_unavailable', retryable: true });
    for (let time = 0; time < 20; time += 1)
      expect(await checked.read({ at: await checked.write() }, DEADLINE_MS)).toMatchObject({ kind: 'answered', replica: 'readers' });
    const { errors, breakers } = await fleet.replica('readers');
    // A read may have come to one of them that was free, before its end was noticed: it went on elsewhere.
    expect(errors['replica_unavailable']).toBeLessThanOrEqual(pids.length);
    expect(breakers).toMatchObject({ read: 'closed' });
    expect(fleet.readers.filter((pid) => pids.includes(pid))).toEqual([]);
  });

  it('[RD-26][RD-35] again and again opens its breaker, which closes when a look finds it well; every refusal says when to come again', async () => {
    const breaker = async (): Promise<string | undefined> => (await fleet.replica('readers')).breakers['read'];
    while ((await breaker()) !== 'open') {
      const running = [runs(), runs()];
      // Those that are just being started as well.
      const kills = setInterval(() => {
        for (const pid of fleet.readers) process.kill(pid, 'SIGKILL');
      }, 100);
      const errors = await Promise.all(running).finally(() => clearInterval(kills));
      for (const error of errors) expect(error).toMatchObject({ code: 'replica_unavailable', retryable: true });
    }
    const refused = await runs();
    expect(refused).toMatchObject({ code: 'replica_unavailable', retryAfterMs: expect.any(Number) });
    expect(await checked.read({ at: await checked.write() }, DEADLINE_MS)).toMatchObject({ kind: 'answered' });
    await fleet.isSound();
  });
});
