import { describe, expect, it } from 'vitest';
import { type PageLocks, RoomLocks } from './room-locks.ts';
import { eventually } from '../../../../test/fake/eventually.ts';

/** One browser's locks: whoever asked first is next. */
function browserLocks(): PageLocks {
  const queues = new Map<string, (() => void)[]>();
  return {
    hold: (name, signal) =>
      new Promise((resolve, reject) => {
        const queue = queues.get(name) ?? [];
        queues.set(name, queue);
        const leave = (): void => {
          const wasFirst = queue[0] === grant;
          queue.splice(queue.indexOf(grant), 1);
          if (wasFirst) queue[0]?.();
        };
        const grant = (): void => resolve(leave);
        queue.push(grant);
        if (queue.length === 1) grant();
        signal.addEventListener('abort', () => {
          if (queue[0] === grant) return; // granted already: to be given back
          leave();
          reject(new DOMException('given up', 'AbortError'));
        });
      }),
  };
}

function twoPages() {
  const locks = browserLocks();
  const page = () => {
    const free: string[] = [];
    return { free, locks: new RoomLocks(locks, (clientId) => free.push(clientId)) };
  };
  return { older: page(), newer: page() };
}

describe('locks of clients', () => {
  it('[TB-21] what a page has of a client that it may not speak for goes to the next that asks', async () => {
    const { older, newer } = twoPages();
    older.locks.others(['a']);
    await eventually(() => expect(older.free).toEqual(['a']));
    newer.locks.others(['a']);
    older.locks.giveUp(['a']);
    await eventually(() => expect(newer.free).toEqual(['a']));
  });

  it('[TB-21] nor does it wait for one any more; asked for again, it waits again', async () => {
    const { older, newer } = twoPages();
    newer.locks.own('a');
    older.locks.others(['a', 'b']);
    await eventually(() => expect(older.free).toEqual(['b']));
    older.locks.giveUp(['a']);
    newer.locks.close();
    older.locks.others(['b']);
    await eventually(() => expect(older.free).toEqual(['b', 'b']));
    older.locks.others(['a']);
    await eventually(() => expect(older.free).toEqual(['b', 'b', 'a']));
  });

  it('[TB-3] a lock that is granted while it is given up is given back', async () => {
    const { older, newer } = twoPages();
    older.locks.others(['a']);
    older.locks.giveUp(['a']);
    newer.locks.others(['a']);
    await eventually(() => expect(newer.free).toEqual(['a']));
    expect(older.free).toEqual([]);
  });
});
