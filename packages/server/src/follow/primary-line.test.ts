import { AlcoveError } from '@alcove/core/error';
import { beforeEach, expect, it, vi } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { LINE_PACE, type LineSocketHandlers, PrimaryLine } from './primary-line.ts';

/** A socket of the line, played by the test. */
interface Played {
  readonly says: LineSocketHandlers;
  readonly sent: (string | Uint8Array)[];
  isEnded: boolean;
}

let runtime: FakeRuntime;
let sockets: Played[];
let told: string[];
let line: PrimaryLine;
let isPatient: boolean;
let retryAfterMs: number | undefined;

beforeEach(() => {
  runtime = new FakeRuntime();
  sockets = [];
  told = [];
  isPatient = false;
  retryAfterMs = undefined;
  const dial = (says: LineSocketHandlers) => {
    const played: Played = { says, sent: [], isEnded: false };
    sockets.push(played);
    const end = (): void => {
      played.isEnded = true;
    };
    return { send: (frame: string | Uint8Array) => void played.sent.push(frame), end, bufferedBytes: 7 };
  };
  line = new PrimaryLine(dial, runtime, LINE_PACE, {
    dialing: () => void told.push('dialing'),
    opened: () => void told.push('opened'),
    heard: (frame) => void told.push(`heard ${String(frame)}`),
    failed: ({ code }) => void told.push(`failed ${code}`),
    silent: ({ code }) => {
      told.push(`silent ${code}`);
      return !isPatient;
    },
    ask: () => void told.push('ask'),
    ended: () => {
      told.push('ended');
      return retryAfterMs;
    },
  });
  line.open();
});

const socket = (at = sockets.length - 1): Played => {
  const played = sockets[at];
  if (played === undefined) throw new Error(`no socket ${at}`);
  return played;
};

it('tells what is said over its socket, and asks once a second', () => {
  expect(line.bufferedBytes).toBe(7);
  socket().says.opened();
  socket().says.message('hello');
  runtime.advance(LINE_PACE.askMsMax * 2);
  expect(told).toEqual(['dialing', 'opened', 'heard hello', 'ask', 'ask']);
  line.send('good day');
  expect(socket().sent).toEqual(['good day']);
});

it('takes nobody for silent whose words it had no time to read', () => {
  let heldUpMs = 0;
  vi.spyOn(runtime, 'monotonicMs').mockImplementation(() => runtime.time.nowMs + heldUpMs);
  line.beats(100);
  runtime.advance(950);
  socket().says.message('hello');
  runtime.advance(50);
  told.length = 0;
  heldUpMs = 5_000;
  runtime.advance(100);
  socket().says.arriving();
  runtime.advance(300);
  expect(told).toEqual(['ask', 'ask', 'ask', 'ask']);
  heldUpMs = 10_000;
  runtime.advance(200);
  expect(told.slice(4)).toEqual(['ask', 'silent heartbeat_missed']);
});

it('opens another socket after a wait that grows, and is short again once the line was of use', () => {
  const waits: number[] = [];
  const lose = (): void => {
    socket().says.closed();
    const before = sockets.length;
    const startMs = runtime.monotonicMs();
    while (sockets.length === before) runtime.advance(10);
    waits.push(runtime.monotonicMs() - startMs);
  };
  for (let times = 0; times < 8; times += 1) lose();
  expect(Math.max(...waits)).toBeGreaterThan(2_000);
  line.works();
  waits.length = 0;
  lose();
  expect(waits[0]).toBeLessThanOrEqual(510);
  expect(line.bufferedBytes).toBe(7);
});

it('waits as long as the primary wants it to', () => {
  retryAfterMs = 20_000;
  socket().says.closed();
  runtime.advance(19_999);
  expect(sockets).toHaveLength(1);
  runtime.advance(10_001);
  expect(sockets).toHaveLength(2);
});

it('does not wait any longer where it is told to open', () => {
  retryAfterMs = 20_000;
  socket().says.closed();
  line.open();
  expect(sockets).toHaveLength(2);
  runtime.advance(40_000);
  expect(sockets).toHaveLength(2);
});

it('ends a socket on which nothing was heard for three heartbeats; part of a message is a sign of life', () => {
  line.beats(1_000);
  runtime.advance(2_900);
  socket().says.arriving();
  runtime.advance(2_900);
  expect(socket().isEnded).toBe(false);
  runtime.advance(1_200);
  expect(told.at(-1)).toBe('silent heartbeat_missed');
  expect(socket().isEnded).toBe(true);
  socket().says.closed();
  expect(told.at(-1)).toBe('ended');
});

it('goes on with a silent socket where that is expected', () => {
  isPatient = true;
  line.beats(1_000);
  runtime.advance(6_000);
  expect(socket().isEnded).toBe(false);
  expect(told.slice(-2)).toEqual(['silent heartbeat_missed', 'ask']);
});

it('hears nothing of a socket that is over', () => {
  const first = socket();
  first.says.closed();
  line.open();
  told.length = 0;
  first.says.opened();
  first.says.message('late');
  first.says.failed(new AlcoveError('connection_lost', 'late'));
  first.says.closed();
  expect(told).toEqual([]);
});

it('is silent after close, and opens nothing more', () => {
  line.close();
  expect(socket().isEnded).toBe(true);
  told.length = 0;
  socket().says.closed();
  line.open();
  runtime.advance(60_000);
  expect(told).toEqual([]);
  expect(sockets).toHaveLength(1);
});
