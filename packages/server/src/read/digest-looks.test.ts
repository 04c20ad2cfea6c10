import { describe, expect, test } from 'vitest';
import { fleet, RoutedReads } from '../../../../test/fake/routed-reads.ts';

describe('[RD-82] a replica that holds other rows than the primary', () => {
  test('is found by the look after its answer, is out, is mended and comes back', async () => {
    const { reads, a, of } = await fleet();
    reads.history.write();
    a.isPoisoned = true;
    expect(new Set(await reads.answerers(2))).toEqual(new Set(['a', 'b']));
    a.resyncs = 'fail';
    await reads.runtime.advanceAsync(30_000);
    const found = { room: { name: 'trip', id: 'r1' }, tables: ['versions'], version: 1 };
    expect(of('a')).toMatchObject({ isUp: true, wrong: [found], compared: { wrong: expect.any(Number), resyncs: expect.any(Number) } });
    expect(await reads.answerers(4)).toEqual(['b', 'b', 'b', 'b']);
    expect((await reads.readNow({ route: { region: 'nowhere' } })).answer?.replica).toBe('b');
    a.resyncs = 'mend';
    await reads.runtime.advanceAsync(31_000);
    expect(of('a')).toMatchObject({ wrong: [] });
    await reads.runtime.advanceAsync(31_000);
    expect(new Set(await reads.answerers(4))).toEqual(new Set(['a', 'b']));
  });

  test('is mended at once where it can take the room anew', async () => {
    const { reads, a, of } = await fleet();
    a.isPoisoned = true;
    await reads.answerers(2);
    await reads.look('a');
    expect(a.isPoisoned).toBe(false);
    expect(of('a')).toMatchObject({ wrong: [], compared: { same: 1, wrong: 1, resyncs: 1, unsure: 0 } });
  });

  test('stays out while taking it anew changes nothing, and is looked at less and less often', async () => {
    const { reads, a, of } = await fleet();
    a.isPoisoned = true;
    a.resyncs = 'change nothing';
    await reads.answerers(2);
    await reads.look('a');
    await reads.runtime.advanceAsync(200_000);
    expect(of('a')?.wrong.length).toBe(1);
    const looks = of('a')?.compared.resyncs ?? 0;
    expect(looks).toBeGreaterThan(6);
    expect(looks).toBeLessThan(40);
    a.isPoisoned = false;
    await reads.runtime.advanceAsync(31_000);
    expect(of('a')?.wrong).toEqual([]);
  });

  test('has nothing taken of what it had begun', async () => {
    const { reads, a } = await fleet();
    a.isPoisoned = true;
    a.resyncs = 'fail';
    await reads.answerers(2);
    a.readMs = 10_000;
    a.check = () => Promise.resolve({ versions: 0, ms: 0 });
    const running = [reads.read({ timeoutMs: 60_000 }), reads.read({ timeoutMs: 60_000 })];
    await reads.runtime.advanceAsync(5);
    expect(a.running).toBe(1);
    await reads.look('a');
    const outcomes = await reads.during(Promise.all(running));
    expect(outcomes.map(({ answer }) => [answer?.replica, answer?.cells])).toEqual([
      ['b', '[[0]]'],
      ['b', '[[0]]'],
    ]);
  });

  test('is found where nobody has read it, on an order that names the room', async () => {
    const { reads, a, of } = await fleet();
    a.isPoisoned = true;
    a.resyncs = 'fail';
    await reads.look('a');
    expect(of('a')?.wrong).toEqual([]);
    await reads.during(reads.router.check(undefined, { name: 'trip', id: 'r9' }));
    expect(of('a')?.wrong).toMatchObject([{ room: { name: 'trip', id: 'r9' } }]);
    expect(of('b')).toMatchObject({ wrong: [], compared: { same: 1 } });
  });
});

describe('[RD-83] comparing contents', () => {
  test('is of rooms that were answered since, each once, and nothing of the primary is read twice at one version', async () => {
    const { reads, a, b, own, of } = await fleet();
    await reads.look();
    expect([a.digests, b.digests, own?.digests]).toEqual([0, 0, 0]);
    await reads.answerers(8);
    await reads.look();
    expect([a.digests, b.digests, own?.digests]).toEqual([1, 1, 1]);
    await reads.look();
    expect([a.digests, b.digests]).toEqual([1, 1]);
    expect(of('a')?.compared).toEqual({ same: 1, unsure: 0, late: 0, wrong: 0, resyncs: 0 });
    await reads.answerers(2);
    reads.history.write();
    await reads.runtime.advanceAsync(1);
    await reads.look();
    expect([a.digests, b.digests, own?.digests]).toEqual([2, 2, 2]);
  });

  test('takes a few rooms at a look, the rest in turn', async () => {
    const { reads, a, of } = await fleet({ limits: { compareRoomsMax: 2 } });
    for (const room of ['r1', 'r2', 'r3', 'r4', 'r5']) await reads.answerers(2, { room });
    for (const left of [3, 1, 0]) {
      await reads.look('a');
      expect(of('a')?.toCompare).toBe(left);
    }
    expect(a.digests).toBe(5);
  });

  test('pays for rows: what a large room takes is taken off the looks that follow', async () => {
    const { reads, a, b, own } = await fleet({ limits: { compareRowsMax: 1_000 } });
    for (const replica of [a, b, own]) if (replica !== null) replica.rows = 2_500;
    for (const room of ['r1', 'r2', 'r3']) await reads.answerers(2, { room });
    const seen: number[] = [];
    for (let look = 0; look < 7; look++) {
      await reads.look('a');
      seen.push(a.digests);
    }
    // 5,000 for the replica and the primary's readers, 1,000 a look.
    expect(seen).toEqual([1, 1, 1, 1, 1, 2, 2]);
  });

  test('is unsure of a room that is written too fast, says so, and looks again', async () => {
    const { reads, a, of } = await fleet();
    a.lagMs = 50;
    let isWritten = true;
    const write = (): void => {
      reads.history.write();
      if (isWritten) reads.runtime.setTimer(5, write);
    };
    write();
    await reads.runtime.advanceAsync(100);
    await reads.answerers(2);
    await reads.look('a');
    expect(of('a')).toMatchObject({ compared: { same: 0, unsure: 1, wrong: 0 }, wrong: [], toCompare: 1 });
    isWritten = false;
    await reads.runtime.advanceAsync(100);
    await reads.look('a');
    expect(of('a')).toMatchObject({ compared: { same: 1, unsure: 1 }, toCompare: 0 });
  });

  test('needs readers of the primary’s own', async () => {
    const { reads, a, of } = await fleet({}, { primary: false });
    a.isPoisoned = true;
    await reads.answerers(2);
    await reads.look();
    expect([a.digests, of('a')?.compared.unsure, of('a')?.wrong]).toEqual([0, 0, []]);
    await expect(reads.during(reads.router.check('a', { name: 'trip', id: 'r1' }))).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('is switched off by a bound of no rooms', async () => {
    const { reads, a } = await fleet({ limits: { compareRoomsMax: 0 } });
    await reads.answerers(4);
    await reads.look();
    expect(a.digests).toBe(0);
  });
});

describe('[RD-80] an order to take a room anew', () => {
  test('goes to all that hold rooms, or to one', async () => {
    const { reads, b, of } = await fleet();
    const room = { name: 'trip', id: 'r1' };
    expect(await reads.during(reads.router.resync(room))).toEqual(['a', 'b', 'primary']);
    expect(await reads.during(reads.router.resync(room, 'a'))).toEqual(['a']);
    expect([of('a')?.compared, of('b')?.compared]).toMatchObject([
      { resyncs: 2, same: 2 },
      { resyncs: 1, same: 1 },
    ]);
    b.resyncs = 'fail';
    await expect(reads.during(reads.router.resync(room, 'b'))).rejects.toMatchObject({ code: 'replica_unavailable' });
    await expect(reads.during(reads.router.resync(room, 'nobody'))).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('[RD-99] that nobody can carry out says what could be done instead', async () => {
    const { reads, a, b, own } = await fleet();
    const room = { name: 'trip', id: 'r1' };
    const resync = (id?: string) => reads.during(reads.router.resync(room, id));
    Object.assign(own ?? {}, { resync: undefined });
    await expect(resync('primary')).rejects.toMatchObject({ code: 'option_invalid', hint: 'Name one that does: a, b.' });
    await expect(resync('nobody')).rejects.toMatchObject({ code: 'option_invalid', hint: 'Name one of those.' });
    for (const replica of [a, b]) Object.assign(replica, { resync: undefined });
    const hint = expect.stringMatching(/^Followers and a mirror hold copies, and this server has neither/);
    await expect(resync()).rejects.toMatchObject({ code: 'option_invalid', hint });
    await expect(resync('a')).rejects.toMatchObject({ code: 'option_invalid', hint });
    await expect(new RoutedReads().router.check('a')).rejects.toMatchObject({ hint: expect.stringContaining('Add one') });
  });
});
