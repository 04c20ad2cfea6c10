import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { CommitQueue } from './commit-queue.ts';
import { WorkTurns } from './work-turns.ts';

describe('turns', () => {
  const start = (): { runtime: FakeRuntime; turns: WorkTurns; ran: number[]; work: { tookMs: number; left: number } } => {
    const runtime = new FakeRuntime();
    const ran: number[] = [];
    const work = { tookMs: 0, left: 0 };
    const turns = new WorkTurns(runtime, () => {
      ran.push(runtime.monotonicMs());
      runtime.time.sleep(work.tookMs);
      work.left -= 1;
      return work.left > 0;
    });
    return { runtime, turns, ran, work };
  };

  it('grants a wish after a quiet moment at once, and gathers those that follow', () => {
    const { runtime, turns, ran } = start();
    for (let i = 0; i < 5; i++) turns.wish();
    expect(ran).toEqual([0]);
    runtime.advance(0);
    expect(ran).toEqual([0, 0]);
    runtime.advance(10);
    turns.wish();
    expect(ran).toEqual([0, 0, 10]);
  });

  it('never begins in the middle of a change', () => {
    const { runtime, turns, ran } = start();
    const seen: number[] = [];
    turns.during(() => {
      turns.wish();
      turns.during(() => {
        runtime.time.sleep(10);
        turns.wish();
      });
      seen.push(ran.length);
    });
    expect(seen).toEqual([0]);
    expect(ran).toEqual([10]);
    expect(() =>
      turns.during(() => {
        turns.wish();
        throw new TypeError('half-way');
      }),
    ).toThrow('half-way');
    runtime.advance(0);
    expect(ran).toHaveLength(2);
  });

  it('gathers for longer when turns take long', () => {
    const { runtime, turns, ran, work } = start();
    work.tookMs = 20;
    turns.wish();
    runtime.advance(15);
    turns.wish();
    expect(ran).toHaveLength(1);
    runtime.advance(0);
    expect(ran).toHaveLength(2);
  });

  it('goes on while work is left, after everything else had its chance', () => {
    const { runtime, turns, ran, work } = start();
    work.left = 3;
    let between = 0;
    turns.wish();
    runtime.setTimer(0, () => {
      between = ran.length;
    });
    runtime.advance(0);
    expect(ran).toHaveLength(3);
    expect(between).toBeLessThan(3);
  });

  it('wakes at the time last said, and never after it was closed', () => {
    const { runtime, turns, ran } = start();
    turns.wishAt(50);
    turns.wishAt(30);
    turns.wishAt(30);
    runtime.advance(100);
    expect(ran).toEqual([30]);
    turns.wishAt(200);
    turns.wishAt(null);
    runtime.advance(200);
    turns.wishAt(500);
    turns.close();
    turns.wish();
    runtime.advance(500);
    expect(ran).toEqual([30]);
    expect(runtime.time.pendingTimers).toBe(0);
  });
});

describe('the queue of commits', () => {
  const commit = (from: number, to: number, rows = 1) => ({
    type: 'commit' as const,
    from,
    to,
    schema: 's',
    hash: `h${to}`,
    changes: [{ table: 't', columns: ['id'], puts: [Array.from({ length: rows }, (_, i) => i)], key: ['id'], deletes: [[]] }],
  });

  it.each([
    ['the next one', commit(5, 6), 'queued'],
    ['several versions at once', commit(5, 9), 'queued'],
    ['a range that begins earlier', commit(3, 7), 'queued'],
    ['an old one', commit(2, 4), 'known'],
    ['the one we are at', commit(4, 5), 'known'],
    ['the one we are at with another hash', { ...commit(4, 5), hash: 'other' }, 'fork'],
    ['one behind a gap', commit(6, 7), 'gap'],
  ])('[CN-16] %s', (_what, message, admitted) => {
    const queue = new CommitQueue();
    expect(queue.admit(message)).toBe('known');
    queue.begin({ version: 5, hash: 'h5' });
    expect(queue.admit(message)).toBe(admitted);
    expect(queue.take()).toHaveLength(admitted === 'queued' ? 1 : 0);
  });

  it('[CN-16] what is queued counts as heard, and ends with the stream', () => {
    const queue = new CommitQueue();
    queue.begin({ version: 0, hash: '' });
    expect([commit(0, 1), commit(1, 2), commit(1, 2), commit(3, 4)].map((message) => queue.admit(message))).toEqual([
      'queued',
      'queued',
      'known',
      'gap',
    ]);
    queue.end();
    expect(queue.isEmpty).toBe(true);
    expect(queue.admit(commit(2, 3))).toBe('known');
  });

  it('gives what one turn takes, one commit at least', () => {
    const queue = new CommitQueue();
    queue.begin({ version: 0, hash: '' });
    for (let version = 0; version < 5; version++) queue.admit(commit(version, version + 1, 1_000));
    queue.admit(commit(5, 6, 50_000));
    expect([queue.take(), queue.take(), queue.take(), queue.take(), queue.take()].map((taken) => taken.length)).toEqual([2, 2, 1, 1, 0]);
  });
});
