import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../../../test/fake/faulty-replica.ts';
import { type FaultRunOptions, runFaults } from '../../../../test/fake/fault-run.ts';

const FAULTS: readonly Fault[] = ['up', 'up', 'down', 'silent', 'lagging', 'gray', 'lying', 'astray', 'deaf'];

const stretch = fc.record({ fault: fc.constantFrom(...FAULTS), forMs: fc.integer({ min: 200, max: 20_000 }) });
const schedule = fc.array(stretch, { maxLength: 8 });

const run = fc.record({
  seed: fc.string({ minLength: 1, maxLength: 8 }),
  schedules: fc.array(schedule, { minLength: 1, maxLength: 4 }),
  primary: fc.option(schedule, { nil: null }),
  strategy: fc.constantFrom('round-robin', 'weighted', 'least-connections', 'latency', 'region'),
  refusals: fc.constantFrom(0, 0.1),
  burst: fc.constantFrom(1, 30),
});

const NO_FAULTS = { primary: [], strategy: 'least-connections', refusals: 0, burst: 1 } as const;

describe('[RD-33][RD-32][RD-25] whatever goes wrong', () => {
  test('no read is older than asked, only unavailability is tried elsewhere, nobody has more reads than it may, and all end in time', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (options: FaultRunOptions) => {
        const found = await runFaults({ ...options, reads: 250, forMs: 40_000 });
        expect(found.problems).toEqual([]);
      }),
      { seed: 314, numRuns: 40 },
    );
  }, 120_000);

  test('when all is well again, all replicas answer, and none is met by more at once than it may take', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (options: FaultRunOptions) => {
        const found = await runFaults({ ...options, refusals: 0, reads: 150, forMs: 20_000, thenWell: true });
        expect(found.problems).toEqual([]);
        expect(found.afterwards).toMatchObject({ failed: 0, silent: [], notClosed: [] });
      }),
      { seed: 271, numRuns: 15 },
    );
  }, 120_000);
});

test('[RD-33] 10,000 reads while replicas fail in turn: none wrong, none lost, 99.95 % in time', async () => {
  const down = (beginMs: number, fault: Fault, forMs: number) => [
    { fault: 'up' as const, forMs: beginMs },
    { fault, forMs },
  ];
  const found = await runFaults({
    ...NO_FAULTS,
    seed: 'ten thousand',
    schedules: [
      [...down(20_000, 'down', 30_000), ...down(60_000, 'gray', 30_000), ...down(70_000, 'silent', 20_000)],
      [...down(50_000, 'lagging', 40_000), ...down(40_000, 'down', 700), ...down(700, 'down', 700), ...down(700, 'down', 700)],
      [...down(80_000, 'lying', 40_000), ...down(20_000, 'astray', 20_000), ...down(40_000, 'down', 10_000)],
    ],
    reads: 10_000,
    forMs: 300_000,
  });
  expect(found.problems).toEqual([]);
  expect(found.failed).toEqual({});
  expect(found.asked).toBe(10_000);
  expect(found.answeredWithinMs(7_000)).toBeGreaterThanOrEqual(9_995);
  expect(found.byReplicas / found.answered).toBeGreaterThan(0.95);
}, 120_000);

test('[RD-35] all replicas down: the primary’s readers answer, with no more at once than they may', async () => {
  const found = await runFaults({
    ...NO_FAULTS,
    seed: 'all down',
    schedules: [[{ fault: 'down', forMs: 60_000 }], [{ fault: 'silent', forMs: 60_000 }]],
    burst: 40,
    reads: 2_000,
    forMs: 60_000,
  });
  expect(found.problems).toEqual([]);
  expect(found.failed).toEqual({});
  expect(found.answered).toBe(2_000);
});
