import { describe, expect, test } from 'vitest';
import { fleet, type ReadAsk, RoutedReads } from '../../../../test/fake/routed-reads.ts';

describe('[RD-35] the primary’s readers stand in', () => {
  test('with their own places and queue: the urgent first, the least urgent sent away', async () => {
    const reads = new RoutedReads({ limits: { queueMax: 4, queueWaitMs: 60_000 } });
    const replica = reads.add({ id: 'a' });
    const primary = reads.add({ id: 'primary', readMs: 100 }, { isPrimary: true, concurrencyMax: 2 });
    replica.fault = 'down';
    await reads.runtime.advanceAsync(20);
    const ask = (priority: 'high' | 'normal' | 'low'): ReadAsk => ({ route: { priority } });
    const low = Array.from({ length: 5 }, () => reads.read(ask('low')));
    const high = Array.from({ length: 3 }, () => reads.read(ask('high')));
    const normal = Array.from({ length: 2 }, () => reads.read(ask('normal')));
    await reads.runtime.advanceAsync(5_000);
    const codes = async (all: typeof low) => (await Promise.all(all)).map(({ code }) => code);
    expect(await codes(high)).toEqual([null, null, null]);
    expect((await codes(normal)).filter((code) => code === null)).toHaveLength(1);
    expect(await codes(low)).toEqual([null, null, 'overloaded', 'overloaded', 'overloaded']);
    expect((await Promise.all(low))[4]?.error).toMatchObject({ retryAfterMs: 1_000, limit: 'queueMax' });
    expect(primary.runningMax).toBe(2);
    expect(reads.router.snapshot()).toMatchObject({ errors: { overloaded: 4 } });
  });

  test('with nobody left it is a code and a time to come back, never an empty result', async () => {
    const { reads, a, b, own } = await fleet();
    for (const replica of [a, b, own]) if (replica !== null) replica.fault = 'down';
    const { error } = await reads.readNow();
    expect(error).toMatchObject({
      code: 'replica_unavailable',
      retryable: true,
      retryAfterMs: 1_000,
      cause: { code: 'replica_unavailable' },
    });
    await reads.look();
    const later = await reads.readNow();
    expect((later.error as Error).message).toBe('no replica can be asked: a (down), b (down), primary (down)');
  });

  test('with no replica at all: replica_unavailable', async () => {
    expect((await new RoutedReads().readNow()).error).toMatchObject({
      code: 'replica_unavailable',
      message: 'no replica can be asked: there is none',
    });
  });

  test('busy replicas leave reads to them; then reads wait where the least is to do', async () => {
    const reads = new RoutedReads({ limits: { queueWaitMs: 60_000 } });
    const replica = reads.add({ id: 'a', readMs: 100 }, { concurrencyMax: 3 });
    const primary = reads.add({ id: 'primary', readMs: 100 }, { isPrimary: true, concurrencyMax: 1 });
    await reads.runtime.advanceAsync(200);
    const all = Array.from({ length: 20 }, () => reads.read());
    await reads.runtime.advanceAsync(5_000);
    expect((await Promise.all(all)).every(({ code }) => code === null)).toBe(true);
    expect([replica.runningMax, primary.runningMax]).toEqual([3, 1]);
    expect(primary.reads).toBeGreaterThan(1);
    expect(replica.reads).toBeGreaterThan(primary.reads);
  });
});

test('[RD-36] all come back at once: nobody is met by all who waited', async () => {
  const reads = new RoutedReads({ limits: { queueWaitMs: 500 } });
  const all = ['a', 'b', 'primary'].map((id) => reads.add({ id, readMs: 100 }, { concurrencyMax: 20, isPrimary: id === 'primary' }));
  await reads.runtime.advanceAsync(200);
  for (const replica of all) replica.fault = 'down';
  const outcomes: Promise<{ readonly code: string | null }>[] = [];
  const load = async (forMs: number) => {
    for (let passed = 0; passed < forMs; passed += 10) {
      for (let index = 0; index < 5; index++) outcomes.push(reads.read());
      await reads.runtime.advanceAsync(10);
    }
  };
  await load(3_000);
  for (const replica of all) Object.assign(replica, { fault: 'up', runningMax: 0 });
  await reads.look();
  await load(2_000);
  // The breakers of the replicas are open for a minute yet.
  expect(all.map(({ runningMax }) => runningMax)).toEqual([0, 0, 2]);
  await reads.runtime.advanceAsync(80_000);
  await load(2_000);
  expect(all.map(({ runningMax }) => runningMax)).toEqual([2, 2, 20]);
  await reads.runtime.advanceAsync(40_000);
  await load(2_000);
  expect(all.every(({ runningMax }) => runningMax === 20)).toBe(true);
  await reads.runtime.advanceAsync(2_000);
  const codes = (await Promise.all(outcomes)).map(({ code }) => code);
  expect(new Set(codes)).toEqual(new Set([null, 'overloaded', 'replica_unavailable']));
});

describe('[RD-36] replicas come and go', () => {
  test('a new one is asked once it was looked at; a removed one finishes what it has, and is closed', async () => {
    const { reads, a, b } = await fleet({}, { primary: false });
    const c = reads.add({ id: 'c', readMs: 500 });
    expect(await reads.answerers(2)).not.toContain('c');
    await reads.runtime.advanceAsync(1_000);
    for (const id of ['a', 'b']) reads.router.enable(id, false);
    const running = reads.read();
    await reads.runtime.advanceAsync(1);
    const removed = reads.router.remove('c');
    await reads.runtime.advanceAsync(100);
    expect([c.running, c.isClosed]).toEqual([1, false]);
    expect((await reads.readNow()).error).toMatchObject({ message: 'no replica can be asked: a (disabled), b (disabled), c (draining)' });
    await reads.runtime.advanceAsync(1_000);
    await removed;
    expect((await running).answer?.replica).toBe('c');
    expect([c.isClosed, a.isClosed, b.isClosed]).toEqual([true, false, false]);
    expect(reads.router.snapshot().replicas.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(() => reads.router.weigh('c', 1)).toThrow('there is no replica of the id "c". There are: a, b');
  });

  test('what does not end within ten seconds is ended, and asked elsewhere', async () => {
    const { reads, a } = await fleet();
    a.fault = 'silent';
    const running = reads.read({ timeoutMs: 60_000 });
    await reads.runtime.advanceAsync(1);
    expect(a.running).toBe(1);
    const removed = reads.router.remove('a');
    a.close = () => {
      a.isClosed = true;
      return Promise.resolve();
    };
    await reads.runtime.advanceAsync(10_001);
    await removed;
    expect(a.isClosed).toBe(true);
    await reads.runtime.advanceAsync(60_000);
    expect((await running).answer?.replica).toBe('b');
  });

  test('one that is switched on again gets its share by degrees; weight 0 takes none', async () => {
    const { reads, of } = await fleet();
    reads.router.enable('a', false);
    expect(await reads.answerers(3)).toEqual(['b', 'b', 'b']);
    reads.router.enable('a', true);
    const soon = (await reads.answerers(100)).filter((id) => id === 'a').length;
    expect(soon).toBeGreaterThan(0);
    expect(soon).toBeLessThan(20);
    reads.router.weigh('b', 0);
    expect(await reads.answerers(3)).toEqual(['a', 'a', 'a']);
    expect(of('b')?.weight).toBe(0);
    expect(() => reads.router.weigh('b', -1)).toThrow('weight must be a whole number from 0 to 1000, and is -1');
  });

  test('a drained one finishes, and what waits for it goes elsewhere', async () => {
    const { reads, a, b } = await fleet({}, { primary: false });
    a.readMs = 300;
    b.readMs = 300;
    const all = Array.from({ length: 30 }, () => reads.read({ waitMs: 0 }));
    await reads.runtime.advanceAsync(1);
    let drained = false;
    void reads.router.drain('a').then(() => (drained = true));
    await reads.runtime.advanceAsync(10);
    expect([a.running, drained]).toEqual([10, false]);
    await reads.runtime.advanceAsync(2_000);
    expect((await Promise.all(all)).map(({ code }) => code)).toEqual(Array.from({ length: 30 }, () => null));
    expect([a.reads, drained]).toEqual([10, true]);
    reads.router.enable('a', true);
    expect(await reads.answerers(60)).toContain('a');
  });

  test('two of one id, or settings of another replica, are refused', async () => {
    const { reads } = await fleet();
    expect(() => reads.add({ id: 'a' })).toThrow('there is a replica of the id a already');
    expect(() => reads.add({ id: 'x' }, { id: 'y' })).toThrow('id and dialect must agree');
  });
});
