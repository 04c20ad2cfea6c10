import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageInput, HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { MutationResult, ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { RoomAccess } from '../../packages/server/src/access/access.ts';
import type { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { openRoom } from '../../packages/server/src/room/open-room.ts';
import type { RoomOptions } from '../../packages/server/src/room/room-options.ts';
import type { ImageOffer, ImageRequest, ReadAsked, RoomHead, RoomPorts } from '../../packages/server/src/room/room-ports.ts';
import type { Room } from '../../packages/server/src/room/room.ts';
import { FakeRuntime } from './fake-runtime.ts';

const BYTES = { messageBytesMax: 64_000_000 };

/** Ports that remember what the room asked of its host. */
export class RecordingPorts implements RoomPorts {
  readonly sent = new Map<string, { frame: string | Uint8Array; lane: 'main' | 'ephemeral' }[]>();
  readonly buffered = new Map<string, number>();
  readonly disconnected = new Map<string, AlcoveError>();
  readonly renewals: { connectionId: string; token: string }[] = [];
  readonly failures: AlcoveError[] = [];
  readonly holds: { connectionId: string; ms: number }[] = [];
  readonly imageRequests: ImageRequest[] = [];
  readonly reads: { connectionId: string; request: number; asked: ReadAsked }[] = [];
  readonly readEnds: { connectionId: string; request: number }[] = [];
  image: ImageOffer | null = null;
  head: RoomHead | null = null;
  flushRequests = 0;
  nextTickMs: number | null = null;

  send(connectionId: string, frame: string | Uint8Array, lane: 'main' | 'ephemeral'): void {
    const frames = this.sent.get(connectionId) ?? [];
    frames.push({ frame, lane });
    this.sent.set(connectionId, frames);
  }

  bufferedBytes(connectionId: string): number {
    return this.buffered.get(connectionId) ?? 0;
  }

  hold(connectionId: string, ms: number): void {
    this.holds.push({ connectionId, ms });
  }

  disconnect(connectionId: string, error: AlcoveError): void {
    this.disconnected.set(connectionId, error);
  }

  requestFlush(): void {
    this.flushRequests += 1;
  }

  requestTick(atMonotonicMs: number): void {
    this.nextTickMs = Math.min(atMonotonicMs, this.nextTickMs ?? Number.POSITIVE_INFINITY);
  }

  offerImage(request: ImageRequest): ImageOffer | null {
    this.imageRequests.push(request);
    return this.image;
  }

  read(connectionId: string, request: number, asked: ReadAsked): void {
    this.reads.push({ connectionId, request, asked });
  }

  readEnd(connectionId: string, request: number): void {
    this.readEnds.push({ connectionId, request });
  }

  headStored(): RoomHead | null {
    return this.head;
  }

  storeHead(head: RoomHead): void {
    this.head = head;
  }

  renewAccess(connectionId: string, token: string): void {
    this.renewals.push({ connectionId, token });
  }

  failed(error: AlcoveError): void {
    this.failures.push(error);
  }
}

export interface DrivenRoomOptions {
  readonly room: AnyRoom;
  readonly database: Database;
  readonly runtime?: FakeRuntime;
  readonly ports?: RecordingPorts;
  readonly options?: RoomOptions;
  /** Say `durable` after each flush, as a synchronous host does. Default true. */
  readonly autoDurable?: boolean;
  /** Of a room with rules; closed by whoever made it. */
  readonly rules?: RowRules;
}

/** A room under a host that does everything when it is told to: for tests of the room alone. */
export class DrivenRoom {
  readonly runtime: FakeRuntime;
  readonly ports: RecordingPorts;
  readonly room: Room;
  autoDurable: boolean;
  readonly #read = new Map<string, number>();

  constructor({
    room,
    database,
    runtime = new FakeRuntime(),
    ports = new RecordingPorts(),
    options,
    autoDurable = true,
    rules,
  }: DrivenRoomOptions) {
    this.runtime = runtime;
    this.ports = ports;
    this.autoDurable = autoDurable;
    this.room = openRoom({
      room,
      id: 'r1',
      database,
      runtime,
      ports,
      ...(options === undefined ? {} : { options }),
      ...(rules === undefined ? {} : { rules }),
    });
  }

  /** Says hello for a connection; its clientId is `c-<connectionId>` unless given. Returns what it was sent. */
  join(connectionId: string, hello: Partial<HelloMessage> = {}, access: RoomAccess = { claims: null }): ServerMessage[] {
    const message = { type: 'hello', protocol: 1, room: 'trip', id: 'r1', clientId: `c-${connectionId}`, snapshots: [], ...hello };
    const decoded = decodeClientMessage(JSON.stringify(message), this.runtime, BYTES);
    if (decoded?.type !== 'hello') throw new AlcoveError('internal', 'the hello of a test is none');
    this.room.join(connectionId, decoded, access);
    return this.take(connectionId);
  }

  /** Sends a message as the connection; returns what it was sent at once. What it was sent before stays to be taken. */
  say(connectionId: string, message: ClientMessageInput): ServerMessage[] {
    const before = this.ports.sent.get(connectionId)?.length ?? 0;
    const wasRead = this.#read.get(connectionId) ?? 0;
    this.room.receive(connectionId, encodeMessage(message, 'json', this.runtime));
    this.#read.set(connectionId, before);
    const answers = this.take(connectionId);
    if (wasRead < before) this.#read.set(connectionId, wasRead);
    return answers;
  }

  /** Pushes one mutation of the connection's own client and flushes. */
  push(connectionId: string, mutationId: number, name: string, args?: unknown, clientId = `c-${connectionId}`): ServerMessage[] {
    this.queue(connectionId, mutationId, name, args, clientId);
    this.flush();
    return this.take(connectionId);
  }

  /** As `push`, without the flush. */
  queue(connectionId: string, mutationId: number, name: string, args?: unknown, clientId = `c-${connectionId}`): void {
    const mutation = { clientId, mutationId, name, args: (args ?? null) as never };
    this.room.receive(connectionId, encodeMessage({ type: 'push', mutations: [mutation] }, 'json', this.runtime));
  }

  flush(): void {
    this.ports.flushRequests = 0;
    this.room.flush();
    if (this.autoDurable) this.room.durable(this.room.stats.version);
  }

  /** Moves time on, ticking and flushing whenever the room asked for it. */
  advance(ms: number): void {
    const untilMs = this.runtime.monotonicMs() + ms;
    this.#settle();
    for (let next = this.ports.nextTickMs; next !== null && next <= untilMs; next = this.ports.nextTickMs) {
      this.runtime.advance(Math.max(0, next - this.runtime.monotonicMs()));
      this.ports.nextTickMs = null;
      this.room.tick();
      this.#settle();
    }
    this.runtime.advance(untilMs - this.runtime.monotonicMs());
  }

  #settle(): void {
    while (this.ports.flushRequests > 0) this.flush();
  }

  /** Messages that the connection was sent since it was looked at last. */
  take(connectionId: string): ServerMessage[] {
    const frames = this.ports.sent.get(connectionId) ?? [];
    const from = this.#read.get(connectionId) ?? 0;
    this.#read.set(connectionId, frames.length);
    return frames.slice(from).flatMap(({ frame }) => decodeServerMessage(frame, this.runtime, BYTES) ?? []);
  }

  /** Of `take`, those of one type. */
  takeOf<Type extends ServerMessage['type']>(connectionId: string, type: Type): ServerMessageOf<Type>[] {
    return this.take(connectionId).filter((message): message is ServerMessageOf<Type> => message.type === type);
  }
}

export const resultsIn = (messages: readonly ServerMessage[]): MutationResult[] =>
  messages.flatMap((message) => (message.type === 'results' ? message.results : []));

export const typesOf = (messages: readonly ServerMessage[]): string[] => messages.map(({ type }) => type);
