import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';

/** What a relay does to a message from the server to the page, as JSON text. */
type Rewrite = (text: string) => string;

/**
 * Stands between one browser and the demo, on an address of its own, and keeps what the server sent there: every message, and every other body as it came and
 * unpacked. So a test can look for a text in all of it. May also lie to the page about what the server says.
 */
export class LinkRelay {
  readonly #target: URL;
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Set<WebSocket>();
  readonly #rewrite: Rewrite;
  #told: Buffer[] = [];

  private constructor(target: URL, rewrite: Rewrite) {
    this.#target = target;
    this.#rewrite = rewrite;
    this.#http = createServer((request, response) => this.#pass(request, response));
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#sockets.handleUpgrade(request, socket, head, (near) => this.#join(near, request));
    });
  }

  static async open(url: string, rewrite: Rewrite = (text) => text): Promise<LinkRelay> {
    const relay = new LinkRelay(new URL(url), rewrite);
    relay.#http.listen(0, '127.0.0.1');
    await once(relay.#http, 'listening');
    return relay;
  }

  /** The same address, through here. */
  through(url: string): string {
    const address = this.#http.address();
    if (typeof address !== 'object' || address === null) throw new TypeError('the relay does not listen');
    const there = new URL(url);
    there.port = String(address.port);
    return there.href;
  }

  /** Whether the server told this browser that text. */
  hasTold(text: string): boolean {
    return this.#told.some((bytes) => bytes.includes(text));
  }

  get bytes(): number {
    return this.#told.reduce((sum, { length }) => sum + length, 0);
  }

  forget(): void {
    this.#told = [];
  }

  close(): void {
    for (const socket of this.#open) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  #pass(near: IncomingMessage, answer: ServerResponse): void {
    const { hostname, port } = this.#target;
    const far = request({ hostname, port, path: near.url, method: near.method, headers: near.headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const body = Buffer.concat(pieces);
        this.#told.push(body, ...unpacked(body));
      });
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    far.on('error', () => answer.destroy()); // the server was stopped
    near.pipe(far);
  }

  #join(near: WebSocket, { url = '/', headers }: IncomingMessage): void {
    const { origin, host } = headers;
    const far = new WebSocket(new URL(url, this.#target), {
      perMessageDeflate: false,
      ...(origin === undefined ? {} : { origin }),
      ...(host === undefined ? {} : { headers: { host } }),
    });
    for (const socket of [near, far]) {
      this.#open.add(socket);
      socket.on('error', () => undefined); // either end may be cut; `close` follows
    }
    const waiting: string[] = [];
    near.on('message', (frame: Buffer, isBinary) => {
      const text = textOf(frame, isBinary);
      if (far.readyState === WebSocket.OPEN) far.send(text);
      else waiting.push(text);
    });
    far.on('open', () => {
      for (const text of waiting) far.send(text);
    });
    far.on('message', (frame: Buffer, isBinary) => {
      const text = textOf(frame, isBinary);
      this.#told.push(Buffer.from(text));
      near.send(this.#rewrite(text));
    });
    near.on('close', () => far.terminate());
    far.on('close', () => near.terminate());
  }
}

/** A frame's JSON; the first byte of a binary one says how it is packed (docs/PROTOCOL.md). */
function textOf(frame: Buffer, isBinary: boolean): string {
  if (!isBinary) return frame.toString();
  const rest = frame.subarray(1);
  return (frame[0] === 0 ? rest : inflateRawSync(rest)).toString();
}

/** A body in every form that it can be read as. */
function unpacked(body: Buffer): Buffer[] {
  return [gunzipSync, inflateSync, inflateRawSync].flatMap((unpack) => {
    try {
      return [unpack(body)];
    } catch {
      return []; // It is not packed that way.
    }
  });
}
