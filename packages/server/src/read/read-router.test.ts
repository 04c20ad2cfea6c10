import { describe, expect, it, test } from 'vitest';
import type { Fault } from '../../../../test/fake/faulty-replica.ts';
import { fleet, RoutedReads } from '../../../../test/fake/routed-reads.ts';
import { EndSource } from './end-source.ts';

describe('[RD-31] an answer', () => {
  test('says who gave it, how far behind that was and how long it took', async () => {
    const { reads, a } = await fleet();
    reads.history.write();
    a.lagMs = 300;
    await reads.look('a');
    const { answer } = await reads.readNow();
    expect(answer).toMatchObject({ replica: 'a', cells: '[[0]]', at: { version: 0 }, lag: { versions: 1, ms: 300 } });
    expect(answer?.tookMs).toBeGreaterThan(0);
    expect(await reads.answerers(3)).toEqual(['b', 'a', 'b']);
  });
});

describe('[RD-32] only unavailability is tried elsewhere', () => {
  it.each<[Fault, number]>([
    ['down', 0],
    ['silent', 5_000],
    ['deaf', 5_000],
  ])('%s: another replica answers', async (fault, silentMs) => {
    const { reads, a, of } = await fleet();
    a.fault = fault;
    const { answer, tookMs } = await reads.readNow();
    expect(answer?.replica).toBe('b');
    expect(tookMs).toBeGreaterThanOrEqual(silentMs);
    expect(tookMs).toBeLessThan(silentMs + 20);
    expect(of('a')).toMatchObject({ errors: { replica_unavailable: 1 }, lastError: { code: 'replica_unavailable' } });
    expect(reads.router.snapshot().counts).toMatchObject({ reads: 1, answered: 1, retries: 1, fallbacks: 0 });
  });

  test('a time-out, a limit, a refusal is the answer', async () => {
    const reads = new RoutedReads();
    const [a, b] = [reads.add({ id: 'a', refusals: 1 }), reads.add({ id: 'b', refusals: 1 })];
    await reads.runtime.advanceAsync(20);
    const codes = new Set<string | null>();
    for (let index = 0; index < 40; index++) codes.add((await reads.readNow()).code);
    expect(codes).toEqual(new Set(['query_timeout', 'result_too_large', 'sql_failed', 'sql_refused']));
    expect(a.reads + b.reads).toBe(40);
  });

  test('at two further replicas at most, then the primary’s readers', async () => {
    const reads = new RoutedReads({ strategy: 'round-robin', limits: { checkIntervalMs: 600_000 } });
    const replicas = ['a', 'b', 'c', 'd'].map((id) => reads.add({ id }));
    const primary = reads.add({ id: 'primary' }, { isPrimary: true });
    await reads.runtime.advanceAsync(20);
    for (const replica of replicas) replica.fault = 'down';
    expect((await reads.readNow()).answer?.replica).toBe('primary');
    expect(replicas.map((replica) => replica.reads)).toEqual([1, 1, 1, 0]);
    expect(primary.reads).toBe(1);
    expect(reads.router.snapshot().counts).toMatchObject({ fallbacks: 1, retries: 3, byReplicas: 0 });
  });

  test('a replica that is closed under a read is unavailable, one that breaks is not', async () => {
    const { reads, a, b } = await fleet();
    a.isClosed = true;
    expect((await reads.readNow()).answer?.replica).toBe('b');
    a.isClosed = false;
    b.read = () => Promise.reject(new TypeError('broken'));
    const codes = [await reads.readNow(), await reads.readNow(), await reads.readNow()].map(({ code }) => code);
    expect(codes).toContain('internal');
    expect(codes).toContain(null);
  });
});

describe('[RD-33] a read that asks for a version', () => {
  test('waits for a replica to reach it', async () => {
    const { reads, a, b, own } = await fleet();
    for (const replica of [a, b]) replica.lagMs = 400;
    const version = reads.history.write();
    const { answer, tookMs } = await reads.readNow({ version });
    expect(answer?.at.version).toBe(1);
    expect(['a', 'b']).toContain(answer?.replica);
    expect(tookMs).toBeGreaterThanOrEqual(395);
    expect(tookMs).toBeLessThan(700);
    expect(own?.reads).toBe(0);
    expect(reads.router.snapshot().counts.waited).toBe(1);
  });

  test('goes to the primary’s readers when its time is over, and at once where there is none', async () => {
    const { reads, a, b } = await fleet();
    for (const replica of [a, b]) replica.lagMs = 3_000;
    const version = reads.history.write();
    const late = await reads.readNow({ version, waitMs: 500 });
    expect(late.answer).toMatchObject({ replica: 'primary', at: { version: 1 } });
    expect(late.tookMs).toBeGreaterThanOrEqual(500);
    expect(late.tookMs).toBeLessThan(530);
    const none = await reads.readNow({ version, waitMs: 0 });
    expect([none.answer?.replica, none.tookMs < 40]).toEqual(['primary', true]);
    expect(reads.router.snapshot().counts.fallbacks).toBe(2);
  });

  test('where nobody gets there it is read_behind, in its time, with a time to come back', async () => {
    const { reads, a, b } = await fleet({}, { primary: false });
    for (const replica of [a, b]) replica.lagMs = 3_000;
    const version = reads.history.write();
    const outcome = await reads.readNow({ version, waitMs: 500 });
    expect(outcome.error).toMatchObject({ code: 'read_behind', retryable: true, retryAfterMs: 1_000 });
    expect(outcome.tookMs).toBeGreaterThanOrEqual(500);
    expect(outcome.tookMs).toBeLessThan(560);
    a.lagMs = 0;
    expect((await reads.readNow({ version, waitMs: 500 })).answer?.at.version).toBe(1);
  });

  test('the primary’s readers are asked again while there is time', async () => {
    const reads = new RoutedReads();
    const primary = reads.add({ id: 'primary', lagMs: 200 }, { isPrimary: true });
    const version = reads.history.write();
    expect((await reads.readNow({ version })).answer?.at.version).toBe(1);
    expect(primary.reads).toBeGreaterThan(1);
  });

  test('many that wait for one version ask for it about as often as one does', async () => {
    const { reads, a, b } = await fleet({ limits: { queueMax: 1_000 } });
    for (const replica of [a, b]) replica.lagMs = 1_000;
    const version = reads.history.write();
    const all = Array.from({ length: 200 }, () => reads.read({ version }));
    await reads.runtime.advanceAsync(900);
    // Those who found no place went to the primary's readers.
    expect(reads.router.snapshot().waiting).toBeGreaterThan(170);
    // The first round goes out before anybody knows; then each replica is asked every 20 ms at most.
    expect(a.reads + b.reads).toBeLessThan(2 * 10 + 2 * (900 / 20) + 20);
    await reads.runtime.advanceAsync(2_000);
    for (const { answer } of await Promise.all(all)) expect(answer?.at.version).toBe(1);
  });

  test('no more of them wait than may; the others go to the primary’s readers', async () => {
    const { reads, a, b } = await fleet({ limits: { waitingReadsMax: 3 } });
    for (const replica of [a, b]) replica.lagMs = 10_000;
    const version = reads.history.write();
    const all = Array.from({ length: 8 }, () => reads.read({ version }));
    await reads.runtime.advanceAsync(100);
    expect(reads.router.snapshot()).toMatchObject({ waiting: 3, counts: { waited: 3, unwaited: 5, answered: 5 } });
    await reads.runtime.advanceAsync(3_000);
    expect((await Promise.all(all)).every(({ answer }) => answer?.replica === 'primary')).toBe(true);
  });

  it.each<Fault>(['lying', 'astray'])('an older answer is none, whoever gives it: %s', async (fault) => {
    const { reads, a, b, of } = await fleet();
    for (const replica of [a, b]) replica.fault = fault;
    await reads.runtime.advanceAsync(20);
    const version = reads.history.write();
    const { answer } = await reads.readNow({ version });
    expect(answer).toMatchObject({ replica: 'primary', at: { historyId: 'h1', version: 1 } });
    expect([of('a'), of('b')]).toMatchObject([
      { older: 1, errors: { replica_unavailable: 1 } },
      { older: 1, errors: { replica_unavailable: 1 } },
    ]);
  });
});

describe('[RD-95] rows of another history', () => {
  test('are none for whoever takes rows of any age: another replica answers, then the primary’s readers', async () => {
    const { reads, a, b, of } = await fleet();
    const { historyId } = reads.history;
    a.fault = 'astray';
    expect(await reads.answerers(3, { historyId })).toEqual(['b', 'b', 'b']);
    b.fault = 'astray';
    expect(await reads.answerers(12, { historyId })).toEqual(Array.from({ length: 12 }, () => 'primary'));
    // Of other rooms they may well have the right one.
    expect([of('a'), of('b')]).toMatchObject([{ breakers: {} }, { breakers: {} }]);
  });
});

describe('[RD-37] the end of a read', () => {
  test('whoever asked gives up: the replica is told at once', async () => {
    const { reads, a } = await fleet();
    a.fault = 'silent';
    const end = new EndSource();
    const read = reads.read({ signal: end.signal });
    await reads.runtime.advanceAsync(50);
    expect(a.running).toBe(1);
    end.end();
    await reads.runtime.advanceAsync(0);
    expect([(await read).code, a.running]).toEqual(['closed', 0]);
    expect(reads.router.snapshot().replicas[0]).toMatchObject({ inFlight: 0, errors: {} });
    const before = a.reads;
    expect((await reads.readNow({ signal: end.signal })).code).toBe('closed');
    expect(a.reads).toBe(before);
  });

  test('the router closes: reads that run, that wait for a place and that wait for a version', async () => {
    const { reads, a, b } = await fleet({}, { primary: false });
    a.fault = 'silent';
    b.lagMs = 60_000;
    const version = reads.history.write();
    const all = [...Array.from({ length: 12 }, () => reads.read()), reads.read({ version })];
    await reads.runtime.advanceAsync(100);
    await reads.router.close();
    await reads.router.close();
    await reads.runtime.advanceAsync(0);
    expect(new Set((await Promise.all(all)).map(({ code }) => code))).toEqual(new Set(['closed', null]));
    expect([a.isClosed, b.isClosed, a.running + b.running]).toEqual([true, true, 0]);
    expect((await reads.readNow()).code).toBe('closed');
    await reads.runtime.advanceAsync(2_000);
    expect(reads.runtime.time.pendingTimers).toBe(0);
  });

  test('a write is refused with its reason before anybody is asked; a transaction is the primary’s', async () => {
    const { reads, a, b } = await fleet();
    const outcome = await reads.readNow({ sql: 'DELETE FROM stops' });
    expect(outcome.error).toMatchObject({ code: 'sql_refused', message: 'DELETE is for mutators, reads change nothing' });
    expect(a.reads + b.reads).toBe(0);
    expect((await reads.readNow({ sql: 'BEGIN' })).answer?.replica).toBe('primary');
  });
});
