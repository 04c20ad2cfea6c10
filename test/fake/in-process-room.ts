import { AlcoveError, ERROR_CODES } from '@alcove/core/error';
import type { ClientMessage, HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import { IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database, Row } from '@alcove/core/sqlite/database';
import type { OpenSocket, Socket, SocketHandlers } from '../../packages/client/src/connection/socket.ts';
import type { FetchImage } from '../../packages/client/src/sync/engine-interface.ts';
import type { RoomAccess } from '../../packages/server/src/access/access.ts';
import type { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { openRoom } from '../../packages/server/src/room/open-room.ts';
import type { RoomOptions } from '../../packages/server/src/room/room-options.ts';
import type { ImageOffer, RoomHead, RoomPorts } from '../../packages/server/src/room/room-ports.ts';
import type { Room } from '../../packages/server/src/room/room.ts';
import type { FakeRuntime } from './fake-runtime.ts';

const LIMITS = { messageBytesMax: 64_000_000 };

/** One link between an engine and the room: frames in order, each way after the latency. */
interface Link {
  readonly connectionId: string;
  readonly handlers: SocketHandlers;
  isOpen: boolean;
  isJoined: boolean;
  busyUntilMs: number;
  /** Frames of that direction are lost from now on, as behind a dead router. */
  readonly lost: { up: boolean; down: boolean };
}

export interface InProcessRoomOptions {
  readonly room: AnyRoom;
  readonly database: Database;
  readonly runtime: FakeRuntime;
  readonly latencyMs?: number;
  /** A frame from the room occupies the link for so long. */
  readonly frameMs?: number;
  readonly options?: RoomOptions;
  readonly access?: (hello: HelloMessage) => RoomAccess | AlcoveError;
  /** What a fresh token on a live session gives; absent: nobody's. */
  readonly renewed?: (token: string) => RoomAccess;
  /** Of a room with rules; closed by whoever made it. */
  readonly rules?: RowRules;
  /** Makes images of the room's database where the room wants to offer one. */
  readonly imageOf?: (database: Database) => { readonly bytes: Uint8Array; readonly sha256: string };
  /** The first image is offered ever after, as from a cache; else each offer has a new one. */
  readonly keepsImage?: boolean;
}

/**
 * The real room core with a host in the same process and a network of bytes in virtual time: links can be cut, go silent in either direction, and the room can
 * be stopped and opened again from its database.
 */
export class InProcessRoom implements RoomPorts {
  readonly #options: InProcessRoomOptions;
  readonly #runtime: FakeRuntime;
  readonly #links = new Map<string, Link>();
  #room: Room | null = null;
  #head: RoomHead | null = null;
  #lastConnection = 0;
  #tickAtMs: number | null = null;
  #image: { readonly bytes: Uint8Array; readonly headers: ReadonlyMap<string, string> } | null = null;
  /** Everything a client sent, decoded, newest last. */
  readonly heard: { readonly connectionId: string; readonly type: string; readonly message: ClientMessage | null }[] = [];
  /** Images that are answered with damage. */
  damagedImages = 0;

  constructor(options: InProcessRoomOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.start();
  }

  get room(): Room {
    if (this.#room === null) throw new TypeError('the room is stopped');
    return this.#room;
  }

  get connections(): number {
    return this.#links.size;
  }

  start(options: RoomOptions = {}): void {
    const { room, database, runtime, rules } = this.#options;
    const given = { room, id: 'r1', database, runtime, ports: this, options: { ...this.#options.options, ...options } };
    this.#room = openRoom(rules === undefined ? given : { ...given, rules });
  }

  /** As a process that is killed: links break, nothing is told. */
  kill(): void {
    const room = this.#room;
    this.#room = null;
    for (const link of [...this.#links.values()]) this.#close(link, 1006, '');
    room?.close();
  }

  /** The next head that is stored is taken as if it had never been. */
  forgetHead(): void {
    this.#head = null;
  }

  rows(sql: string): Row[] {
    return this.#options.database.prepare(sql).all();
  }

  /** Says something to every client that the room did not say. */
  forge(message: ServerMessageInput): void {
    for (const connectionId of this.#links.keys()) this.send(connectionId, encodeMessage(message, 'json', this.#runtime));
  }

  /** Breaks every link, as a network that goes away and says so. */
  cut(): void {
    for (const link of [...this.#links.values()]) {
      this.#room?.leave(link.connectionId);
      this.#close(link, 1006, '');
    }
  }

  /** Links live on, and carry nothing in that direction. */
  silence(direction: 'up' | 'down' | 'both'): void {
    for (const { lost } of this.#links.values()) {
      if (direction !== 'down') lost.up = true;
      if (direction !== 'up') lost.down = true;
    }
  }

  readonly openSocket: OpenSocket = (_url, handlers): Socket => {
    this.#lastConnection += 1;
    const link: Link = {
      connectionId: `c${this.#lastConnection}`,
      handlers,
      isOpen: false,
      isJoined: false,
      busyUntilMs: 0,
      lost: { up: false, down: false },
    };
    this.#links.set(link.connectionId, link);
    this.#later(() => {
      if (this.#room === null) return this.#close(link, 1006, '');
      link.isOpen = true;
      handlers.onOpen();
    });
    return {
      bufferedAmount: 0,
      send: (frame) => {
        if (link.isOpen) this.#later(() => this.#up(link, frame));
      },
      close: (code) => this.#leave(link, code),
    };
  };

  #leave(link: Link, code: number): void {
    if (!this.#links.has(link.connectionId)) return;
    this.#later(() => this.#room?.leave(link.connectionId, code === 1000 ? 'clean' : 'lost'));
    this.#close(link, code, '');
  }

  #later(fn: () => void): void {
    this.#runtime.setTimer(this.#options.latencyMs ?? 5, fn);
  }

  #close(link: Link, code: number, reason: string): void {
    if (!this.#links.delete(link.connectionId)) return;
    link.isOpen = false;
    this.#later(() => link.handlers.onClose(code, reason));
  }

  #up(link: Link, frame: string | Uint8Array): void {
    if (this.#room === null || link.lost.up || !this.#links.has(link.connectionId)) return;
    const message = decodeClientMessage(frame, this.#runtime, LIMITS);
    this.heard.push({ connectionId: link.connectionId, type: message?.type ?? 'x', message });
    if (link.isJoined) return this.#room.receive(link.connectionId, frame);
    link.isJoined = true;
    if (message?.type !== 'hello') throw new TypeError('the first message was no hello');
    const access = this.#options.access?.(message) ?? { claims: null };
    if (!(access instanceof AlcoveError)) return this.#room.join(link.connectionId, message, access);
    this.send(link.connectionId, encodeMessage({ type: 'error', ...access.toBody(), re: 'hello' }, 'json', this.#runtime));
    this.disconnect(link.connectionId, access);
  }

  // What the room asks of its host

  send(connectionId: string, frame: string | Uint8Array): void {
    const link = this.#links.get(connectionId);
    if (link === undefined) return;
    const nowMs = this.#runtime.monotonicMs();
    link.busyUntilMs = Math.max(nowMs, link.busyUntilMs) + (this.#options.frameMs ?? 0);
    this.#runtime.setTimer(link.busyUntilMs - nowMs + (this.#options.latencyMs ?? 5), () => {
      if (link.isOpen && !link.lost.down) link.handlers.onMessage(frame);
    });
  }

  bufferedBytes(): number {
    return 0;
  }

  disconnect(connectionId: string, error: AlcoveError): void {
    const link = this.#links.get(connectionId);
    const own = ERROR_CODES[error.code];
    const waitMs = Math.max(0, (link?.busyUntilMs ?? 0) - this.#runtime.monotonicMs());
    this.#runtime.setTimer(
      waitMs,
      () => link !== undefined && !link.lost.down && this.#close(link, 'closeCode' in own ? own.closeCode : 1011, error.code),
    );
  }

  requestFlush(): void {
    const room = this.#room;
    this.#runtime.setTimer(0, () => {
      if (this.#room === null || this.#room !== (room ?? this.#room)) return;
      this.#room.flush();
      this.#room.durable(this.#room.stats.version);
    });
  }

  requestTick(atMonotonicMs: number): void {
    if (this.#tickAtMs !== null && this.#tickAtMs <= atMonotonicMs) return;
    this.#tickAtMs = atMonotonicMs;
    this.#runtime.setTimer(Math.max(0, atMonotonicMs - this.#runtime.monotonicMs()), () => {
      if (this.#tickAtMs !== atMonotonicMs) return;
      this.#tickAtMs = null;
      this.#room?.tick();
    });
  }

  offerImage({ historyId, schema, view }: { historyId: string; version: number; schema: string; view: string }): ImageOffer | null {
    const offer: ImageOffer = { path: '/image', ticket: 'ticket', expiresInMs: 60_000 };
    if (this.#image !== null && this.#options.keepsImage === true) return offer;
    const made = this.#options.imageOf?.(this.#options.database) ?? null;
    const head = this.room.head;
    if (made === null || head.hash === null) return null;
    const headers = new Map<string, string>([
      [IMAGE_HEADERS.historyId, historyId],
      [IMAGE_HEADERS.version, String(head.version)],
      [IMAGE_HEADERS.hash, head.hash],
      [IMAGE_HEADERS.schema, schema],
      [IMAGE_HEADERS.view, view],
      [IMAGE_HEADERS.bytes, String(made.bytes.length)],
      [IMAGE_HEADERS.sha256, made.sha256],
    ]);
    this.#image = { bytes: made.bytes, headers };
    return offer;
  }

  readonly fetchImage: FetchImage = (_request, onProgress) =>
    new Promise((resolve, reject) => {
      this.#later(() => {
        const image = this.#image;
        if (image === null || this.#room === null) return reject(new AlcoveError('snapshot_failed', 'no image'));
        const bytes = image.bytes.slice();
        if (this.damagedImages > 0) {
          this.damagedImages -= 1;
          bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        }
        onProgress({ bytes: bytes.length, bytesTotal: bytes.length });
        resolve({ bytes, header: (name) => image.headers.get(name) ?? null });
      });
    });

  headStored(): RoomHead | null {
    return this.#head;
  }

  storeHead(head: RoomHead): void {
    this.#head = head;
  }

  renewAccess(connectionId: string, token: string): void {
    this.room.renewAccess(connectionId, this.#options.renewed?.(token) ?? { claims: null });
  }

  failed(error: AlcoveError): void {
    throw error;
  }
}
