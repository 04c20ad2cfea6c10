import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A socket that speaks WebSocket byte by byte, so that a test can break every rule of it. */
export class RawSocket {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    this.socket.on('close', () => {
      this.ended = true;
      this.#wake();
    });
    this.socket.on('error', () => undefined); // the server may cut it at any time; `ended` tells
  }

  /** Sends a request for a socket; gives the status of the answer. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<{ raw: RawSocket; status: number; answer: string }> {
    const raw = new RawSocket(url);
    const { host, pathname } = new URL(url);
    const all = {
      Host: host,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    raw.socket.write([`GET ${pathname} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
    await raw.until(() => raw.ended || raw.#received.includes('\r\n\r\n'));
    const answer = raw.#received.toString('latin1');
    const end = raw.#received.indexOf('\r\n\r\n') + 4;
    raw.#received = raw.#received.subarray(end);
    return { raw, status: Number(answer.split(' ')[1]), answer };
  }

  write(bytes: Uint8Array): void {
    if (!this.ended) this.socket.write(bytes);
  }

  /** The code of the close frame the server sent, once the socket has ended; null where it was cut without one. */
  async closeCode(): Promise<number | null> {
    await this.until(() => this.ended || this.#closeFrame() !== null);
    const frame = this.#closeFrame();
    this.socket.destroy();
    return frame;
  }

  /** Text of the server's text frames so far. */
  texts(): string[] {
    return framesIn(this.#received)
      .filter(({ opcode }) => opcode === 1)
      .map(({ payload }) => payload.toString());
  }

  async until(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`waited in vain; received ${this.#received.toString('latin1').slice(0, 5000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#wake(), 100);
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  #closeFrame(): number | null {
    const close = framesIn(this.#received).find(({ opcode }) => opcode === 8);
    return close === undefined ? null : close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** A masked frame as clients send them; each part of it can be made wrong. */
export const frame = (
  opcode: number,
  payload: Uint8Array | string,
  more: { final?: boolean; masked?: boolean; rsv?: number; length?: bigint } = {},
): Buffer => {
  const { final = true, masked = true, rsv = 0 } = more;
  const body = Buffer.from(payload);
  const length = more.length ?? BigInt(body.length);
  const second = masked ? 0x80 : 0;
  const head = [(final ? 0x80 : 0) | (rsv << 4) | opcode];
  if (length < 126n) head.push(second | Number(length));
  else if (length < 65_536n) head.push(second | 126, Number(length >> 8n), Number(length & 255n));
  else head.push(second | 127, ...Array.from({ length: 8 }, (_, index) => Number((length >> BigInt(8 * (7 - index))) & 255n)));
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const hidden = masked ? body.map((byte, index) => byte ^ ((index % 4) + 1)) : body;
  return Buffer.concat([Buffer.from(head), mask, hidden]);
};

/** Whole, unmasked frames at the start of what a server sent. */
const framesIn = (bytes: Buffer): { opcode: number; payload: Buffer }[] => {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1) & 127;
    const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + headLength > bytes.length) break;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (at + headLength + length > bytes.length) break;
    frames.push({ opcode: bytes.readUInt8(at) & 15, payload: bytes.subarray(at + headLength, at + headLength + length) });
    at += headLength + length;
  }
  return frames;
};
