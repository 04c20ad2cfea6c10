import type { ServerReadOptions } from '../../../packages/server/src/host/node/server-sql.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../fake/prng.ts';
import { CheckedReads, type Fate } from './checked-reads.ts';
import { FaultFleet } from './fault-fleet.ts';
import { FaultSchedule } from './fault-schedule.ts';
import { tellsProcesses } from './process-tree.ts';

/** `ALCOVE_FAULT_READS=200000`, and a seed: the long variant. */
const READS = Number(process.env['ALCOVE_FAULT_READS'] ?? 10_000);
const SEED = process.env['ALCOVE_FAULT_SEED'] ?? 'reads under faults 1';
const DEADLINE_MS = 15_000;
const WAIT_MS = 1_500;
/** On their way at once. */
const READERS = 24;
const READS_PER_FAULT = 400;
const READS_PER_WRITE = 10;
const IN_TIME = 0.9995;

describe('reads while everything that answers them fails by turns', () => {
  let fleet: FaultFleet;
  beforeAll(async () => {
    fleet = await FaultFleet.start(2);
  }, 60_000);
  afterAll(() => fleet.close());

  it.skipIf(!tellsProcesses)(
    '[RD-32][RD-33][RD-35] are never wrong, never lost, and answered in time',
    async () => {
      const prng = new Prng(SEED);
      const checked = await CheckedReads.begin(fleet);
      const faults = new FaultSchedule(fleet, prng);
      const fates: Fate[] = [];
      let asked = 0;
      const readOn = async (): Promise<void> => {
        while (asked < READS) {
          asked += 1;
          if (asked % READS_PER_WRITE === 0) await checked.write();
          if (asked % READS_PER_FAULT === 0) await faults.next();
          fates.push(await checked.read(drawOptions(prng, checked), DEADLINE_MS));
        }
      };
      await Promise.all(Array.from({ length: READERS }, readOn));
      await faults.end();

      const said = `${SEED}: ${faults.said.join(', ')}`;
      const of = (kind: Fate['kind']) => fates.filter((fate) => fate.kind === kind);
      expect(of('wrong'), said).toEqual([]);
      expect(of('late'), said).toEqual([]);
      expect(checked.waitedOut, said).toBeLessThan(READS / 20);
      const counted = fates.length - of('limit').length;
      expect(of('limit').length, said).toBeLessThan(READS / 100);
      if (of('answered').length / counted < IN_TIME) expect(of('failed'), said).toEqual([]);
      // Every fault was met: replicas were out, breakers opened, reads were asked again elsewhere; and all of it is over.
      expect(faults.seen.breakers, said).toContain('open');
      expect(faults.seen.isUp, said).toContain(false);
      await fleet.isSound();
      const { counts, replicaShare } = await fleet.routing();
      expect(counts.retries).toBeGreaterThan(0);
      expect(counts.fallbacks).toBeGreaterThan(0);
      expect(counts.answered).toBeGreaterThanOrEqual(of('answered').length);
      // Faults come twice a second, faster than breakers close.
      expect(replicaShare).toBeGreaterThan(0.05);
    },
    Math.max(120_000, READS * 20),
  );
});

/** As reads come: most want what was just written, some what they saw a while ago, some anything. */
function drawOptions(prng: Prng, checked: CheckedReads): ServerReadOptions {
  const drawn = prng.float();
  const at = drawn < 0.4 ? checked.newest : drawn < 0.7 ? checked.recent(prng.int(1, 50)) : drawn < 0.85 ? 'latest' : 'any';
  return { at, waitMs: WAIT_MS, ...(prng.chance(0.05) ? { preferPrimary: true } : {}) };
}
