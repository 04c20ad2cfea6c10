import { AlcoveError } from '@alcove/core/error';
import type { ServerMessage, ServerMessageInput } from '@alcove/core/protocol/server-message';
import { decodeClientMessage, encodeMessage } from '@alcove/core/protocol/codec';
import { describe, expect, it } from 'vitest';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { Connection } from './connection.ts';
import type { SocketHandlers } from './socket.ts';

interface OpenedSocket {
  readonly handlers: SocketHandlers;
  readonly sent: (string | Uint8Array)[];
  closedWith: number | null;
  bufferedAmount: number;
}

const raise = (): never => {
  throw new AlcoveError('option_invalid', 'auth gave a number');
};

const errors = ({ runtime: { log } }: Shell) => (log instanceof CollectingLogger ? log.errors : expect.unreachable('it collects'));

class Shell {
  readonly runtime = new FakeRuntime();
  readonly sockets: OpenedSocket[] = [];
  readonly messages: ServerMessage[] = [];
  readonly phases: string[] = [];
  readonly lost: string[] = [];
  token: () => string | null | Promise<string | null> = () => 'secret';
  /** What a send leaves in the socket's buffer. */
  sentBytesKept = 0;
  readonly connection = new Connection({
    runtime: this.runtime,
    url: 'ws://room',
    openSocket: (_url, handlers) => {
      const socket: OpenedSocket = { handlers, sent: [], closedWith: null, bufferedAmount: 0 };
      this.sockets.push(socket);
      return {
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (frame) => {
          socket.sent.push(frame);
          socket.bufferedAmount += this.sentBytesKept;
        },
        close: (code) => {
          socket.closedWith = code;
        },
      };
    },
    token: () => this.token(),
    hello: () => ({
      protocol: 1,
      room: 'tasks',
      id: 'r',
      schema: null,
      clientId: 'c',
      groupId: 'g',
      clients: [],
      resume: null,
      snapshots: ['rows'],
    }),
    times: { connectTimeoutMs: 15_000, backoffMinMs: 250, backoffMaxMs: 15_000 },
    messageBytesMax: 10_000,
    onMessage: (message) => void this.messages.push(message),
    onLost: (error) => void this.lost.push(error.code),
    onPhase: (state) => void this.phases.push(state.phase),
  });

  get socket(): OpenedSocket {
    const last = this.sockets.at(-1);
    if (last === undefined) throw new TypeError('no socket was opened');
    return last;
  }

  say(message: ServerMessageInput, socket = this.socket): void {
    socket.handlers.onMessage(encodeMessage(message, 'json', this.runtime));
  }

  welcome(socket = this.socket, user: Record<string, number | string> | null = null, serverNowMs = 0): void {
    const limits = {
      messageBytesMax: 1,
      pushMutationsMax: 1,
      stateBytesMax: 1,
      valueBytesMax: 1,
      heartbeatIntervalMs: 15_000,
      idleTimeoutMs: 40_000,
    };
    const ids = { sessionId: 's', historyId: 'h', boot: 'b', schema: '', view: '' };
    this.say(
      {
        type: 'welcome',
        protocol: 1,
        codec: 'deflate',
        ...ids,
        version: 0,
        hydration: 'first',
        clients: [],
        serverNowMs,
        user,
        limits,
      },
      socket,
    );
  }

  goLive(): void {
    this.connection.start();
    this.socket.handlers.onOpen();
    this.welcome();
  }
}

describe('the shell of the connection', () => {
  it('says hello in text, then speaks the codec of the welcome', () => {
    const shell = new Shell();
    expect(shell.connection.send({ type: 'ping' })).toBe(false);
    shell.goLive();
    expect(JSON.parse(String(shell.socket.sent[0]))).toMatchObject({ type: 'hello', token: 'secret', codecs: ['deflate'] });
    expect(shell.phases).toEqual(['connecting', 'live']);
    expect(shell.connection.send({ type: 'ping' })).toBe(true);
    expect(shell.socket.sent[1]).toBeInstanceOf(Uint8Array);
  });

  it('waits for a token that comes later, and takes one that cannot be had for a failed attempt', async () => {
    const shell = new Shell();
    shell.token = () => Promise.reject(new TypeError('offline'));
    shell.connection.start();
    await shell.runtime.advanceAsync(0);
    expect(shell.connection.state).toMatchObject({ phase: 'waiting', error: { code: 'connection_lost' } });
    expect(shell.sockets).toEqual([]);
    shell.token = () => Promise.resolve('late');
    await shell.runtime.advanceAsync(15_000);
    expect(shell.sockets).toHaveLength(1);
  });

  it.each([
    ['at once', (): never => raise()],
    ['later', () => Promise.resolve().then(raise)],
  ])('[CN-51] a token that is none, %s, is not asked for again, and a session that lives goes on', async (_, token) => {
    const shell = new Shell();
    shell.token = token;
    shell.connection.start();
    await shell.runtime.advanceAsync(0);
    expect(shell.connection.state).toMatchObject({ phase: 'failed', error: { code: 'option_invalid', message: 'auth gave a number' } });
    expect([shell.sockets, errors(shell)]).toEqual([[], []]);
    shell.token = () => 'secret';
    shell.goLive();
    shell.token = token;
    shell.connection.hint('authChanged');
    await shell.runtime.advanceAsync(0);
    expect(shell.connection.state.phase).toBe('live');
    expect(errors(shell)).toMatchObject([{ message: expect.stringMatching(/auth gave a number\. /) }]);
  });

  it('[CN-45] a connection that never opened says where to, and what may be wrong; one that had opened says neither', () => {
    const shell = new Shell();
    shell.connection.start();
    shell.socket.handlers.onClose(1006, '');
    expect(shell.connection.state).toMatchObject({
      phase: 'waiting',
      error: { code: 'connection_lost', message: expect.stringMatching(/ws:\/\/room \(1006\).*running.*path.*`origins`/) },
    });
    shell.runtime.advance(15_000);
    shell.socket.handlers.onClose(1006, 'Unexpected server response: 404');
    expect(shell.connection.state).toMatchObject({
      error: { message: expect.stringContaining('ws://room (Unexpected server response: 404)') },
    });
    shell.runtime.advance(15_000);
    shell.socket.handlers.onOpen();
    shell.socket.handlers.onClose(1006, '');
    expect(shell.connection.state).toMatchObject({ phase: 'waiting', error: { message: 'the connection ended with 1006' } });
  });

  it('[CN-1] hears nothing of a socket that was replaced', () => {
    const shell = new Shell();
    shell.goLive();
    const old = shell.socket;
    shell.connection.breakOff({ code: 'connection_lost', message: 'test' });
    expect([old.closedWith, shell.lost]).toEqual([4400, ['connection_lost']]);
    shell.runtime.advance(15_000);
    shell.socket.handlers.onOpen();
    shell.welcome();
    const heard = shell.messages.length;
    shell.say({ type: 'pong', at: 1 }, old);
    old.handlers.onClose(4404, 'room_unknown');
    expect(shell.messages).toHaveLength(heard);
    expect(shell.connection.state.phase).toBe('live');
  });

  it('[CN-8] breaks off a session that says what makes no sense', () => {
    for (const frame of ['{"type":"commit"}', 'no json', new Uint8Array([9, 1]), 'x'.repeat(20_000)]) {
      const shell = new Shell();
      shell.goLive();
      shell.socket.handlers.onMessage(frame);
      expect(shell.connection.state.phase).toBe('waiting');
      expect(shell.socket.closedWith).not.toBeNull();
    }
    const twice = new Shell();
    twice.goLive();
    twice.welcome();
    expect(twice.connection.state).toMatchObject({ phase: 'waiting', error: { code: 'bad_message' } });
  });

  it('ignores what this version does not know, and what comes before welcome', () => {
    const shell = new Shell();
    shell.connection.start();
    shell.socket.handlers.onOpen();
    shell.say({ type: 'pong' });
    shell.socket.handlers.onMessage('{"type":"later"}');
    expect(shell.messages).toEqual([]);
    expect(shell.connection.state.phase).toBe('connecting');
  });

  it('[CN-2] pings by itself, answers pings, and measures the round trip', () => {
    const shell = new Shell();
    shell.goLive();
    const before = shell.socket.sent.length;
    shell.runtime.advance(15_000);
    expect(shell.socket.sent).toHaveLength(before + 1);
    const at = shell.runtime.monotonicMs();
    shell.runtime.advance(30);
    shell.say({ type: 'pong', at });
    expect(shell.connection.roundTripMs).toBe(30);
    shell.say({ type: 'ping', at: 5 });
    expect(shell.socket.sent).toHaveLength(before + 2);
    shell.runtime.advance(60_000);
    expect(shell.lost).toEqual(['heartbeat_missed']);
  });

  it('[CN-18] waits for an announced frame, and while what was sent is leaving', () => {
    const shell = new Shell();
    shell.goLive();
    shell.say({ type: 'coming', bytes: 9_999 });
    shell.say({ type: 'coming', bytes: 10_000 });
    shell.runtime.advance(40_500);
    expect(shell.lost).toEqual([]);
    shell.say({ type: 'pong' });
    shell.socket.bufferedAmount = 100_000;
    for (let step = 0; step < 20; step += 1) {
      shell.runtime.advance(10_000);
      shell.socket.bufferedAmount -= 4_000;
    }
    expect(shell.lost).toEqual([]);
    shell.runtime.advance(60_000);
    expect(shell.lost).toEqual(['heartbeat_missed']);
  });

  it('[CN-18] takes pings that leave for no life of the room', () => {
    const shell = new Shell();
    shell.goLive();
    shell.sentBytesKept = 40;
    for (let step = 0; step < 60; step += 1) {
      shell.runtime.advance(1_000);
      shell.socket.bufferedAmount = 0;
    }
    expect(shell.lost).toEqual(['heartbeat_missed']);
  });

  it('[CN-9] opens a session again after a loss that followed the refusal of a value', () => {
    const shell = new Shell();
    shell.goLive();
    shell.say({
      type: 'error',
      code: 'forbidden',
      message: 'this user may not set the value budget',
      re: 'value',
      name: 'budget',
      key: '',
      offer: 1,
    });
    shell.socket.handlers.onClose(1006, '');
    expect(shell.connection.state).toMatchObject({ phase: 'waiting', error: { code: 'connection_lost' } });
    expect(shell.messages.at(-1)).toMatchObject({ type: 'error', re: 'value' });
  });

  it('ends with its socket and leaves no timer', () => {
    const shell = new Shell();
    shell.goLive();
    shell.connection.close();
    expect(shell.socket.closedWith).toBe(1000);
    expect(shell.runtime.time.pendingTimers).toBe(0);
    shell.connection.start();
    expect(shell.connection.state.phase).toBe('closed');
  });
});

describe('a token that runs out', () => {
  it('[CN-48] is renewed on the same socket, its end told by the room’s clock whatever the page’s says', async () => {
    const shell = new Shell();
    shell.connection.start();
    shell.socket.handlers.onOpen();
    const roomNowMs = 2_000_000_000_000;
    shell.welcome(shell.socket, { sub: 'ann', exp: roomNowMs / 1_000 + 600 }, roomNowMs);
    shell.runtime.jumpWallTime(86_400_000);
    shell.token = () => Promise.resolve('fresh');
    const said = () => shell.socket.sent.map((sent) => decodeClientMessage(sent, shell.runtime, { messageBytesMax: 10_000 })?.type);
    const auths = () => said().filter((type) => type === 'auth').length;
    const passMs = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 10_000) {
        await shell.runtime.advanceAsync(10_000);
        shell.say({ type: 'pong' });
      }
    };
    await passMs(500_000);
    expect(auths()).toBe(0);
    await passMs(90_000);
    expect(auths()).toBeGreaterThan(0);
    shell.say({ type: 'user', user: { sub: 'ann', exp: roomNowMs / 1_000 + 590 + 600 } });
    const before = auths();
    await passMs(500_000);
    expect(auths()).toBe(before);
    expect([shell.sockets.length, shell.connection.state.phase, shell.messages.at(-1)?.type]).toEqual([1, 'live', 'pong']);
  });
});
