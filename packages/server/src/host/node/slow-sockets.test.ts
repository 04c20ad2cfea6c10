import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { AlcoveError } from '@alcove/core/error';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { resolveHostLimits } from './host-limits.ts';
import { SocketConnection } from './socket-connection.ts';
import { eventually } from '../../../../../test/fake/eventually.ts';

const limits = resolveHostLimits({});
const runtime = new FakeRuntime();
const textBytes = (text: string): Uint8Array => Buffer.from(text);

let http: ReturnType<typeof createServer>;
let accepted: { connection: SocketConnection; raw: Duplex }[];
let arriving: number;
let messages: (string | Uint8Array)[];
let port: number;
/** What the room does with a message. */
let heardOne: () => void;
beforeEach(async () => {
  heardOne = () => undefined;
  accepted = [];
  arriving = 0;
  messages = [];
  http = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  http.on('upgrade', (request, raw, head) =>
    sockets.handleUpgrade(request, raw, head, (socket) => {
      const handlers = {
        message: (frame: string | Uint8Array) => {
          messages.push(frame);
          heardOne();
        },
        arriving: () => void (arriving += 1),
        closed: () => undefined,
      };
      accepted.push({
        connection: new SocketConnection('c', socket, raw, {
          limits,
          runtime,
          handlers,
          ended: () => undefined,
          met: () => undefined,
          textBytes,
        }),
        raw,
      });
    }),
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('no port');
  ({ port } = address);
});
afterEach(() => {
  for (const { connection } of accepted) connection.terminate();
  http.close();
});

const connection = (): SocketConnection => {
  const first = accepted[0];
  if (first === undefined) throw new TypeError('nobody connected');
  return first.connection;
};

/** A client that writes bytes; resolves when the server has read them. */
const rawClient = async (): Promise<{ socket: Socket; write(bytes: Buffer): Promise<void> }> => {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await eventually(() => expect(accepted).toHaveLength(1));
  const raw = accepted[0]?.raw as Socket; // an http server hands out sockets
  return {
    socket,
    async write(bytes) {
      const until = raw.bytesRead + bytes.length;
      socket.write(bytes);
      await eventually(() => expect(raw.bytesRead).toBe(until));
    },
  };
};

/** Head of a masked text frame of 10,000 bytes, the mask all zeros. */
const HEAD = Buffer.from([0x81, 0xfe, 10_000 >> 8, 10_000 & 255, 0, 0, 0, 0]);

/** A masked text frame, the mask all zeros. */
const textFrame = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

describe('a socket that is slowed down', () => {
  it('[RM-42] has the rest of what one read brought wait its turn too, in order', async () => {
    const client = await rawClient();
    heardOne = () => connection().slowDown(1_000);
    await client.write(Buffer.concat(['one', 'two', 'three'].map(textFrame)));
    expect(messages).toEqual(['one']);
    runtime.time.advance(999);
    expect(messages).toEqual(['one']);
    runtime.time.advance(1);
    expect(messages).toEqual(['one', 'two']);
    heardOne = () => undefined;
    runtime.time.advance(1_000);
    expect(messages).toEqual(['one', 'two', 'three']);
    await client.write(textFrame('four'));
    await eventually(() => expect(messages).toEqual(['one', 'two', 'three', 'four']));
    client.socket.destroy();
  });

  it('[RM-42] loses nothing that was said before it went', async () => {
    const client = await rawClient();
    heardOne = () => connection().slowDown(1_000);
    client.socket.end(Buffer.concat(['one', 'two', 'three'].map(textFrame)));
    await eventually(() => expect(messages).toEqual(['one', 'two', 'three']));
  });
});

describe('a slow socket', () => {
  it('[HO-30] may take its time with a message while bytes of it come, and is told to be alive; one that falls silent is overdue', async () => {
    const client = await rawClient();
    await client.write(HEAD);
    for (let step = 1; step <= 10; step += 1) {
      runtime.time.advance(20_000);
      await client.write(Buffer.alloc(500, 'x'));
      expect(connection().overdue(runtime.monotonicMs())).toBeNull();
      expect(arriving).toBe(step);
    }
    expect(messages).toEqual([]);
    expect(connection().overdue(runtime.monotonicMs() + 29_000)).toBeNull();
    expect(connection().overdue(runtime.monotonicMs() + 31_000)).toBe('halfMessageTimeoutMs');
    client.socket.destroy();
  });

  it('[HO-30] is overdue past the bound of the whole message, however steadily bytes come, and pings between them are none', async () => {
    const client = await rawClient();
    // A first fragment, a ping, the second one.
    await client.write(Buffer.from([0x01, 0x82, 0, 0, 0, 0, 0x78, 0x78]));
    runtime.time.advance(31_000);
    await client.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]));
    expect(connection().overdue(runtime.monotonicMs())).toBe('halfMessageTimeoutMs');
    await client.write(Buffer.concat([Buffer.from([0x80]), HEAD.subarray(1)]));
    expect(connection().overdue(runtime.monotonicMs())).toBeNull();
    for (let ms = 0; ms < 580_000; ms += 10_000) {
      runtime.time.advance(10_000);
      await client.write(Buffer.from('x'));
    }
    expect(connection().overdue(runtime.monotonicMs())).toBe('messageTimeoutMs');
    client.socket.destroy();
  });

  it('[HO-31] is told of a large frame before it comes, gets it whole and in its place, and is seen to take it', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    const heard: Buffer[] = [];
    client.on('message', (data: Buffer) => void heard.push(data));
    await once(client, 'open');
    client.pause();
    const large = Buffer.alloc(32_000_000, 'large ');
    for (const frame of ['first', large, 'second', new Uint8Array([7])]) connection().send(frame);
    const full = connection().bufferedBytes;
    expect(full).toBeGreaterThan(31_000_000);
    // The system's own buffers take some of it, piece by piece.
    await eventually(() => expect(connection().bufferedBytes).toBeLessThan(full));
    expect(connection().bufferedBytes).toBeGreaterThan(1_000_000);
    client.resume();
    await vi.waitFor(() => expect(heard).toHaveLength(5), { timeout: 20_000 });
    expect(heard.map((bytes) => bytes.subarray(0, 60).toString()).filter((_, at) => at !== 2)).toEqual([
      'first',
      '{"type":"coming","bytes":32000000}',
      'second',
      '\u0007',
    ]);
    expect(heard[2]?.equals(large)).toBe(true);
    expect(connection().bufferedBytes).toBe(0);
    client.terminate();
  });

  it('[HO-31] that is closed in the middle of a large frame hears the code, not the rest', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(client, 'open');
    client.pause();
    connection().send(Buffer.alloc(32_000_000));
    connection().close(new AlcoveError('draining', 'the server is stopping'));
    client.resume();
    const [code, reason] = (await once(client, 'close')) as [number, Buffer]; // as ws documents it
    expect([code, reason.toString()]).toEqual([1012, 'draining']);
  });
});
