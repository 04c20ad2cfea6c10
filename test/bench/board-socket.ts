import type { PushedMutation } from '@alcove/core/protocol/client-message';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { constants, inflateRawSync } from 'node:zlib';
import { WebSocket } from 'ws';

const HEARTBEAT_MS = 15_000;

const DEFLATED = 1;
const COMMIT = '{"type":"commit"';

/** A peer of a room as docs/PROTOCOL.md describes it; plain JSON both ways unless it asks for what the SDK's own clients ask for. */
export class BoardSocket {
  readonly clientId: string;
  readonly #socket: WebSocket;
  onMessage: (message: ServerMessage) => void = () => undefined;
  /** Commits are read off the socket and not looked at. */
  ignoresCommits = false;

  private constructor(socket: WebSocket, clientId: string) {
    this.#socket = socket;
    this.clientId = clientId;
    socket.on('message', (frame: Buffer, isBinary) => {
      // The room is measured, not how fast its peers read what they did not ask for.
      if (this.ignoresCommits && isCommit(frame, isBinary)) return;
      this.onMessage(JSON.parse(textOf(frame, isBinary)) as ServerMessage); // the server validated it
    });
  }

  /** Resolves when the room streams to it. `hello`: of another definition than `board`, or with a token. */
  static async join(
    url: string,
    room: string,
    clientId: string,
    codecs: readonly 'deflate'[] = [],
    hello: { readonly room?: string; readonly token?: string } = {},
  ): Promise<BoardSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const board = new BoardSocket(socket, clientId);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => board.send({ type: 'hello', protocol: 1, room: 'board', id: room, clientId, codecs, ...hello }));
      board.onMessage = (message) => {
        if (message.type === 'error') reject(new TypeError(`${message.code}: ${message.message}`));
        if (message.type === 'snapshotEnd' || (message.type === 'welcome' && message.hydration === 'resume')) resolve();
      };
    });
    board.onMessage = () => undefined;
    // A session that says nothing is ended.
    const heartbeat = setInterval(() => board.send({ type: 'ping' }), HEARTBEAT_MS);
    socket.once('close', () => clearInterval(heartbeat));
    return board;
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  push(mutations: readonly Omit<PushedMutation, 'clientId'>[]): void {
    this.#socket.send(this.pushFrame(mutations));
  }

  /** A push as it is sent, for benches that make theirs beforehand. */
  pushFrame(mutations: readonly Omit<PushedMutation, 'clientId'>[]): string {
    return JSON.stringify({ type: 'push', mutations: mutations.map((mutation) => ({ ...mutation, clientId: this.clientId })) });
  }

  /** The socket itself, for benches that count frames without reading them. */
  get raw(): WebSocket {
    return this.#socket;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.close();
    });
  }
}

function textOf(frame: Buffer, isBinary: boolean): string {
  if (!isBinary) return frame.toString('utf8');
  const body = frame.subarray(1);
  return (frame[0] === DEFLATED ? inflateRawSync(body) : body).toString('utf8');
}

/** The commit seen last, as it begins: a room sends every reader of a codec the same bytes. */
let lastCommit = Buffer.alloc(0);

function isCommit(frame: Buffer, isBinary: boolean): boolean {
  const start = frame.subarray(0, 64);
  if (start.equals(lastCommit)) return true;
  if (!startOf(frame, isBinary).startsWith(COMMIT)) return false;
  lastCommit = Buffer.from(start);
  return true;
}

/** Enough of a message to know its type. */
function startOf(frame: Buffer, isBinary: boolean): string {
  if (!isBinary) return frame.toString('latin1', 0, COMMIT.length);
  const start = frame.subarray(1, 65);
  return (
    frame[0] === DEFLATED ? inflateRawSync(start, { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: constants.Z_MIN_CHUNK }) : start
  ).toString('latin1');
}
