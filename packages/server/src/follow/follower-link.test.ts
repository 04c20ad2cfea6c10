import { beforeEach, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { FetchedCopy, FollowedCopy } from './followed-copy.ts';
import { FollowerLink } from './follower-link.ts';
import type { LineSocketHandlers } from './primary-line.ts';

/** Its first copy is on its way, and stays there. */
class CopyOnItsWay implements FollowedCopy {
  readonly open = null;
  find(): void {}
  fetch(): FetchedCopy {
    return { whole: new Promise(() => undefined), cancel: () => undefined };
  }
  replace(): void {}
  throwAway(): void {}
  close(): void {}
}

let runtime: FakeRuntime;
let sent: string[];
let dialed: LineSocketHandlers[];
let link: FollowerLink;

beforeEach(() => {
  runtime = new FakeRuntime();
  sent = [];
  dialed = [];
  link = new FollowerLink({
    address: { name: 'trip', id: 'japan' },
    from: 'ws://primary',
    token: 'a-follower-token',
    runtime,
    file: new CopyOnItsWay(),
    dial: (handlers) => {
      dialed.push(handlers);
      return { send: (frame) => void sent.push(String(frame)), end: () => undefined, bufferedBytes: 0 };
    },
  });
  link.start();
  const [says] = dialed;
  says?.opened();
  says?.message(JSON.stringify({ type: 'rehydrate', reason: 'asked', view: 'all' }));
});

/** Questions within so long. */
function asked(ms: number): number {
  const before = sent.length;
  runtime.advance(ms);
  return sent.slice(before).filter((frame) => frame.includes('"ping"')).length;
}

it('[FO-23] asks about a room that is used once a second, about others twice in a heartbeat, and about all in time to stay in', async () => {
  expect(asked(60_000)).toBeLessThanOrEqual(9);
  expect(asked(60_000)).toBeGreaterThanOrEqual(7);
  const read = link.reached(1, 10);
  expect(asked(10_000)).toBeGreaterThanOrEqual(9);
  await read;
  runtime.advance(60_000);
  expect(asked(60_000)).toBeLessThanOrEqual(9);
  link.relay(new Uint8Array());
  expect(asked(10_000)).toBeGreaterThanOrEqual(9);
  link.close();
});
