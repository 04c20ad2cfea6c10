import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { beforeEach, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import { StreamStart } from './stream-start.ts';

const at: ReplicaPosition = { historyId: 'h', version: 4, hash: 'x', view: 'v' };
let sent: ClientMessageInput[];
let begun: { readonly version: number }[];
let hasSession: boolean;
let start: StreamStart;
const outbox = { hasUnanswered: false };
const siblings = { count: 0 };

beforeEach(() => {
  sent = [];
  begun = [];
  hasSession = true;
  outbox.hasUnanswered = false;
  siblings.count = 0;
  const runtime = new FakeRuntime();
  runtime.advance(77);
  start = new StreamStart({
    runtime,
    outbox,
    siblings,
    queue: { begin: (position) => void begun.push(position) },
    send: (message) => {
      if (hasSession) sent.push(message);
      return hasSession;
    },
  });
});

it('says that an image which was offered is here, once, and takes the stream from it', () => {
  start.expect(true);
  start.imageCame(at);
  start.imageCame(at);
  expect(sent).toEqual([{ type: 'follow', historyId: 'h', version: 4, hash: 'x' }]);
  expect(begun).toEqual([at]);
});

it('says nothing of an image that nobody offered on this session, or without one', () => {
  start.imageCame(at);
  start.expect(true);
  start.expect(false);
  start.imageCame(at);
  start.expect(true);
  hasSession = false;
  start.imageCame(at);
  expect(sent).toEqual([]);
  expect(begun).toEqual([]);
});

it('waits for the answer to a ping where results may be on their way', () => {
  start.from(at);
  expect(start.isAwaited).toBe(false);
  outbox.hasUnanswered = true;
  start.from(at);
  expect(sent).toEqual([{ type: 'ping', at: 77 }]);
  expect(start.isAwaited).toBe(true);
  expect(start.pong(undefined)).toBe(false);
  expect(start.pong(76)).toBe(false);
  expect(start.pong(77)).toBe(true);
  expect(start.pong(77)).toBe(false);
  expect(start.isAwaited).toBe(false);
});

it('waits for those of other tabs, and no longer once another snapshot was promised', () => {
  siblings.count = 1;
  start.from(at);
  expect(start.isAwaited).toBe(true);
  start.expect(false);
  expect(start.isAwaited).toBe(false);
});
