import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { Watchdog } from './watchdog.ts';

const set = (budgetMs = 5_000) => {
  const runtime = new FakeRuntime();
  const pings: (() => void)[] = [];
  let stuck = 0;
  const watchdog = new Watchdog(runtime, budgetMs, {
    ping: () => new Promise<void>((resolve) => pings.push(resolve)),
    onStuck: () => {
      stuck += 1;
    },
  });
  const answer = async () => {
    pings.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { runtime, watchdog, pings, answer, stuck: () => stuck };
};

describe('watchdog', () => {
  it('[WK-3] calls a worker stuck that is silent for the whole budget after something was asked of it', () => {
    const { runtime, watchdog, stuck } = set();
    watchdog.busy();
    runtime.advance(4_999);
    expect(stuck()).toBe(0);
    runtime.advance(1);
    expect(stuck()).toBe(1);
    runtime.advance(60_000);
    expect(stuck()).toBe(1);
  });

  it('[WK-3] leaves a worker alone that answers, and looks after it while it may be busy', async () => {
    const { runtime, watchdog, pings, answer, stuck } = set();
    watchdog.busy();
    runtime.advance(50);
    for (let second = 0; second < 4; second += 1) {
      expect(pings).toHaveLength(1);
      await answer();
      runtime.advance(1_000);
    }
    expect(stuck()).toBe(0);
  });

  it('[WK-52] however much is asked of a worker, one ping a twentieth of a second asks whether it is free', async () => {
    const { runtime, watchdog, pings, answer, stuck } = set();
    let asked = 0;
    for (let call = 0; call < 1_000; call += 1) {
      watchdog.busy();
      runtime.advance(1);
      asked += pings.length;
      await answer();
    }
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThanOrEqual(20);
    expect(stuck()).toBe(0);
  });

  it('[WK-4] a page that slept before it could ask counts nothing of that', () => {
    const { runtime, watchdog, pings, stuck } = set();
    watchdog.busy();
    runtime.time.sleep(3_600_000);
    expect(pings).toHaveLength(1);
    runtime.advance(4_900);
    expect(stuck()).toBe(0);
    runtime.advance(100);
    expect(stuck()).toBe(1);
  });

  it('[WK-3] notices an idle worker that stopped by itself', () => {
    const { runtime, stuck } = set();
    runtime.advance(15_000);
    expect(stuck()).toBe(0);
    runtime.advance(5_000);
    expect(stuck()).toBe(1);
  });

  it('[WK-4] grants the budget anew after the page itself slept', () => {
    const { runtime, watchdog, stuck } = set();
    watchdog.busy();
    runtime.time.sleep(3_600_000);
    expect(stuck()).toBe(0);
    runtime.advance(5_000);
    expect(stuck()).toBe(1);
  });

  it('says nothing after its end', () => {
    const { runtime, watchdog, stuck } = set();
    watchdog.busy();
    watchdog.end();
    runtime.advance(60_000);
    expect(stuck()).toBe(0);
  });
});
