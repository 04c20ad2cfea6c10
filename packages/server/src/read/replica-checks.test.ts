import { describe, expect, test } from 'vitest';
import { fleet } from '../../../../test/fake/routed-reads.ts';

describe('[RD-34] checks', () => {
  test('every half a minute, and at once after an error: what is down is out until it is back', async () => {
    const { reads, a, of } = await fleet();
    const before = a.checks;
    await reads.runtime.advanceAsync(100_000);
    expect(a.checks - before).toBeGreaterThanOrEqual(3);
    expect(a.checks - before).toBeLessThanOrEqual(4);
    a.fault = 'down';
    await reads.answerers(2);
    await reads.runtime.advanceAsync(1_100);
    expect(of('a')).toMatchObject({ isUp: false, breakers: {} });
    const asked = a.reads;
    expect(await reads.answerers(4)).toEqual(['b', 'b', 'b', 'b']);
    expect(a.reads).toBe(asked);
    a.fault = 'up';
    await reads.runtime.advanceAsync(31_000);
    expect(of('a')).toMatchObject({ isUp: true });
    await reads.runtime.advanceAsync(31_000);
    expect(new Set(await reads.answerers(4))).toEqual(new Set(['a', 'b']));
  });

  test('measure the age of what was applied last: one that answers and is hours behind is out, and comes back by itself', async () => {
    const { reads, a, of } = await fleet();
    a.fault = 'lagging';
    for (let second = 0; second < 60; second++) {
      reads.history.write();
      await reads.runtime.advanceAsync(1_000);
    }
    a.lagMs = 0;
    expect(of('a')?.lag).toEqual({ versions: 10, ms: 10_000 });
    // Ten seconds are allowed by default.
    expect(new Set(await reads.answerers(4))).toContain('a');
    const strict = await fleet({ limits: { lagMsMax: 1_000 } });
    strict.a.fault = 'lagging';
    strict.reads.history.write();
    await strict.reads.look();
    expect(await strict.reads.answerers(3)).toEqual(['b', 'b', 'b']);
    strict.a.fault = 'up';
    await strict.reads.runtime.advanceAsync(34_000);
    expect(new Set(await strict.reads.answerers(4))).toEqual(new Set(['a', 'b']));
  });

  test('one that is far behind is looked at again soon: it may catch up within moments', async () => {
    const { reads, a } = await fleet({ limits: { lagMsMax: 1_000 } });
    a.fault = 'lagging';
    reads.history.write();
    await reads.runtime.advanceAsync(2_000);
    reads.history.write();
    await reads.look();
    expect(await reads.answerers(2)).toEqual(['b', 'b']);
    a.fault = 'up';
    await reads.runtime.advanceAsync(2_000);
    expect(new Set(await reads.answerers(4))).toEqual(new Set(['a', 'b']));
  });

  test('one that says nothing to anybody costs one read its patience, and takes none until a look finds it well', async () => {
    const { reads, a, of } = await fleet();
    a.fault = 'silent';
    const first = reads.read();
    const second = reads.read();
    await reads.runtime.advanceAsync(8_000);
    expect((await Promise.all([first, second])).map(({ answer }) => answer?.replica)).toEqual(['b', 'b']);
    const asked = a.reads;
    expect(of('a')).toMatchObject({ isUp: false });
    expect(await reads.answerers(6)).toEqual(['b', 'b', 'b', 'b', 'b', 'b']);
    expect(a.reads).toBe(asked);
    a.fault = 'up';
    await reads.runtime.advanceAsync(40_000);
    expect(of('a')).toMatchObject({ isUp: true });
    await reads.runtime.advanceAsync(31_000);
    expect(new Set(await reads.answerers(4))).toEqual(new Set(['a', 'b']));
  });

  test('a look that waits behind long reads is not held against it while reads are answered', async () => {
    const { reads, a, of } = await fleet();
    const check = a.check.bind(a);
    a.check = () => new Promise(() => undefined);
    const looked = reads.router.check('a');
    for (let second = 0; second < 6; second++) {
      await reads.answerers(2);
      await reads.runtime.advanceAsync(1_000);
    }
    await looked;
    expect(of('a')).toMatchObject({ isUp: true });
    const again = reads.router.check('a');
    await reads.runtime.advanceAsync(5_001);
    await again;
    expect(of('a')).toMatchObject({ isUp: false });
    a.check = check;
  });

  test('the primary’s readers are looked at after an error alone, and until they are well', async () => {
    const { reads, a, b, own, of } = await fleet();
    expect(of('primary')).toMatchObject({ isUp: null, lag: { versions: 0, ms: 0 } });
    await reads.runtime.advanceAsync(200_000);
    expect(own?.checks).toBe(0);
    for (const replica of [a, b, own]) if (replica !== null) replica.fault = 'down';
    await reads.readNow();
    await reads.runtime.advanceAsync(10_000);
    expect(of('primary')).toMatchObject({ isUp: false });
    if (own !== null) own.fault = 'up';
    await reads.runtime.advanceAsync(30_000);
    expect(of('primary')).toMatchObject({ isUp: true });
    const checks = own?.checks;
    expect((await reads.readNow()).answer?.replica).toBe('primary');
    await reads.runtime.advanceAsync(200_000);
    expect(own?.checks).toBe(checks);
  });

  test('a thousand failures are one look', async () => {
    const { reads, a } = await fleet({ breaker: false });
    const before = a.checks;
    const read = a.read.bind(a);
    a.read = () => Promise.reject(Object.assign(new Error('no'), {}));
    for (let index = 0; index < 1_000; index++) void reads.read();
    await reads.runtime.advanceAsync(500);
    expect(a.checks - before).toBeLessThanOrEqual(1);
    a.read = read;
  });
});

describe('[RD-26] the breaker of a replica', () => {
  const flaky = async () => {
    const world = await fleet({ limits: { breakerOpenMs: 60_000 } });
    // Reads fail, looks do not.
    const check = world.a.check.bind(world.a);
    world.a.check = () => Promise.resolve({ versions: 0, ms: 0 });
    world.a.fault = 'down';
    for (let index = 0; index < 12; index++) await world.reads.readNow();
    return { ...world, check };
  };

  test('opens after five failures; then one read tries it, and its share grows by degrees', async () => {
    const { reads, a, of } = await flaky();
    expect(of('a')?.breakers).toEqual({ read: 'open' });
    expect(a.reads).toBe(5);
    a.fault = 'up';
    a.readMs = 200;
    await reads.runtime.advanceAsync(59_000);
    expect(await reads.answerers(3)).toEqual(['b', 'b', 'b']);
    await reads.runtime.advanceAsync(16_000);
    expect(of('a')?.breakers).toEqual({ read: 'half-open' });
    const [before, many] = [a.reads, Array.from({ length: 30 }, () => reads.read())];
    await reads.runtime.advanceAsync(1);
    expect(a.reads - before).toBe(1);
    await reads.runtime.advanceAsync(1_000);
    await Promise.all(many);
    expect(of('a')?.breakers).toEqual({ read: 'ramping' });
    a.runningMax = 0;
    for (let index = 0; index < 100; index++) {
      void reads.read();
      await reads.runtime.advanceAsync(90);
    }
    expect(a.runningMax).toBe(1);
    await reads.runtime.advanceAsync(30_000);
    expect(of('a')?.breakers).toEqual({ read: 'closed' });
  });

  test('a probe that fails opens it again, and the read is answered elsewhere', async () => {
    const { reads, a, of } = await flaky();
    await reads.runtime.advanceAsync(76_000);
    const before = a.reads;
    expect((await reads.answerers(5)).every((id) => id === 'b')).toBe(true);
    expect(a.reads - before).toBe(1);
    expect(of('a')?.breakers).toEqual({ read: 'open' });
  });

  test('each class of operations has its own, and other purposes have none', async () => {
    const { reads, a, of } = await fleet({ operationClasses: ['report'] });
    a.check = () => Promise.resolve({ versions: 0, ms: 0 });
    a.fault = 'down';
    for (let index = 0; index < 12; index++) await reads.readNow({ route: { purpose: 'report' } });
    expect(of('a')?.breakers).toEqual({ report: 'open' });
    a.fault = 'up';
    expect(new Set(await reads.answerers(4))).toEqual(new Set(['a', 'b']));
    expect(new Set(await reads.answerers(4, { route: { purpose: 'anything' } }))).toEqual(new Set(['a', 'b']));
    expect(new Set(await reads.answerers(4, { route: { purpose: 'report' } }))).toEqual(new Set(['b']));
  });

  test('where breakers are off nothing opens', async () => {
    const { reads, a, of } = await fleet({ breaker: false });
    a.check = () => Promise.resolve({ versions: 0, ms: 0 });
    a.fault = 'down';
    for (let index = 0; index < 20; index++) await reads.readNow();
    expect([a.reads, of('a')?.breakers]).toEqual([10, {}]);
  });
});

describe('[RD-27] a slow replica', () => {
  test('is taken out, tried, and let back in when it is fast again', async () => {
    const { reads, a, of } = await fleet();
    await reads.answerers(40);
    a.readMs = 400;
    await reads.answerers(30);
    expect(of('a')).toMatchObject({ pace: 'open', ejections: 1 });
    expect(new Set(await reads.answerers(10))).toEqual(new Set(['b']));
    await reads.runtime.advanceAsync(76_000);
    await reads.answerers(30);
    expect(of('a')).toMatchObject({ pace: 'open' });
    a.readMs = 5;
    await reads.runtime.advanceAsync(76_000);
    await reads.answerers(2);
    expect(of('a')).toMatchObject({ pace: 'ramping' });
    await reads.runtime.advanceAsync(31_000);
    expect(new Set(await reads.answerers(6))).toEqual(new Set(['a', 'b']));
  });

  test('never the last half; where only slow ones are left they do', async () => {
    const { reads, a, b, of } = await fleet();
    await reads.answerers(40);
    a.readMs = 400;
    await reads.answerers(30);
    b.readMs = 4_000;
    await reads.answerers(10, { timeoutMs: 10_000 });
    expect([of('a')?.pace, of('b')?.pace]).toEqual(['open', 'closed']);
    b.fault = 'down';
    await reads.look('b');
    expect(await reads.answerers(3)).toEqual(['a', 'a', 'a']);
  });
});
