import type { PushedMutation } from '@alcove/core/protocol/client-message';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { WebSocket } from 'ws';

const HEARTBEAT_MS = 15_000;

/** A plain peer of a room: plain JSON both ways, as docs/PROTOCOL.md describes it. */
export class BoardSocket {
  readonly clientId: string;
  readonly #socket: WebSocket;
  onMessage: (message: ServerMessage) => void = () => undefined;

  private constructor(socket: WebSocket, clientId: string) {
    this.#socket = socket;
    this.clientId = clientId;
    socket.on('message', (frame: Buffer) => this.onMessage(JSON.parse(frame.toString('utf8')) as ServerMessage)); // the server validated it
  }

  /** Resolves when the room streams to it. */
  static async join(url: string, room: string, clientId: string): Promise<BoardSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const board = new BoardSocket(socket, clientId);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => board.send({ type: 'hello', protocol: 1, room: 'board', id: room, clientId }));
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
    this.send({ type: 'push', mutations: mutations.map((mutation) => ({ ...mutation, clientId: this.clientId })) });
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
