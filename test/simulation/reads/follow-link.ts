import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { PROTOCOL_VERSION } from '@alcove/core/protocol/version';
import { backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import { FollowedRoom } from '../../../packages/server/src/follow/followed-room.ts';
import type { ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import type { Prng } from '../../fake/prng.ts';
import type { RoomDisk } from '../room/room-disk.ts';
import { FOLLOWER_TOKEN, ROOM_ID } from '../room/addresses.ts';
import type { ProcessSurroundings, SimProcess } from '../world/sim-process.ts';

export interface FollowLinkParts extends ProcessSurroundings {
  readonly process: SimProcess;
  readonly runtime: Runtime;
  readonly random: Prng;
  readonly disk: RoomDisk;
  readonly definition: AnyRoom;
  /** With a deliberate bug, perhaps. */
  wrap(database: Database): Database;
  connect(process: SimProcess, handlers: SocketHandlers): Socket;
  /** A copy of the room's file as it is now, over HTTP. */
  fetchCopy(process: SimProcess): Promise<Buffer>;
}

const LIMITS = { messageBytesMax: 64_000_000 };
const ASK_MS = 300;
const SILENT_HEARTBEATS_MAX = 3;
const BACKOFF = { baseMs: 100, maxMs: 2_500 };
const PRUNE = { versionsMax: 100_000, bytesMax: 64_000_000, ageMsMax: 30 * 86_400_000, keptHashEvery: 1_000 };
/** Of what was written to its disk a crash takes nothing from before then. */
const SECURE_SHARE = 0.3;

/** What host/node/follower-link.ts does with `ws`, `fetch` and files, over the simulated network: the order of messages, copies and refusals is the same. */
export class FollowLink {
  readonly #parts: FollowLinkParts;
  readonly #waiting = new Set<{ readonly version: number; readonly reached: () => void }>();
  #phase: 'waiting' | 'connecting' | 'copying' | 'following' | 'closed' = 'waiting';
  #file: FollowedRoom | null = null;
  #database: Database | null = null;
  #socket: Socket | null = null;
  #timer: Timer | null = null;
  #beating: Timer | null = null;
  #attempt = 0;
  #heartbeatMs = 1_000;
  #heardMs = 0;
  #primaryVersion = 0;
  #levelMs: number | null = null;
  readonly #resyncing: (() => void)[] = [];
  #copy: object | null = null;
  readonly #startedMs: number;
  /** The room is of another release. */
  isOutdated = false;
  copies = 0;

  constructor(parts: FollowLinkParts) {
    this.#parts = parts;
    this.#startedMs = parts.runtime.monotonicMs();
  }

  get definition(): AnyRoom {
    return this.#parts.definition;
  }

  get isOpen(): boolean {
    return this.#file !== null;
  }

  get room(): FollowedRoom | null {
    return this.#file;
  }

  get database(): Database | null {
    return this.#database;
  }

  get lag(): ReplicaLag {
    const versions = Math.max(0, this.#primaryVersion - (this.#file?.head.version ?? 0));
    const isLevel = this.#phase === 'following' && versions === 0 && this.#levelMs !== null;
    return { versions, ms: isLevel ? 0 : Math.ceil(this.#parts.runtime.monotonicMs() - (this.#levelMs ?? this.#startedMs)) };
  }

  start(): void {
    this.#open();
    this.#connect();
  }

  /** Throws the copy away and takes a fresh one; resolves when that is level with the primary. */
  resync(): Promise<void> {
    return new Promise((resolve) => {
      this.#resyncing.push(resolve);
      this.#levelMs = null;
      this.#attempt = 0;
      this.#throwAway();
      this.#again();
    });
  }

  reached(version: number, timeoutMs: number): Promise<void> {
    if ((this.#file?.head.version ?? -1) >= version || this.#phase === 'closed') return Promise.resolve();
    return new Promise((resolve) => {
      const entry = {
        version,
        reached: () => {
          timer.cancel();
          this.#waiting.delete(entry);
          resolve();
        },
      };
      const timer = this.#parts.runtime.setTimer(timeoutMs, entry.reached);
      this.#waiting.add(entry);
    });
  }

  /** Its process ends. */
  close(): void {
    this.#phase = 'closed';
    this.#timer?.cancel();
    this.#beating?.cancel();
    this.#copy = null;
    this.#leave();
    this.#file = null;
    this.#database = null;
  }

  /** What the disk has; what is no good is thrown away, and copied anew. */
  #open(): void {
    const { disk, definition, runtime, wrap, trace, process } = this.#parts;
    if (disk.isEmpty) return;
    try {
      this.#database = wrap(disk.open());
      this.#file = new FollowedRoom(this.#database, definition, runtime);
      trace.add(process.name, `opened its file at version ${this.#file.head.version}`);
    } catch (cause) {
      const { code, message } = AlcoveError.from(cause);
      this.isOutdated ||= code === 'schema_mismatch';
      trace.add(process.name, `throws its file away: ${code} ${message}`);
      this.#throwAway();
    }
  }

  #connect(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'connecting';
    const { process, runtime } = this.#parts;
    this.#heardMs = runtime.monotonicMs();
    const socket: Socket = this.#parts.connect(process, {
      onOpen: () => socket === this.#socket && this.#hello(),
      onMessage: (frame) => socket === this.#socket && this.#heard(frame),
      onClose: () => socket === this.#socket && this.#again(),
    });
    this.#socket = socket;
    this.#beat();
  }

  #hello(): void {
    const { runtime, definition } = this.#parts;
    this.#say({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      codecs: ['deflate'],
      room: definition.name,
      id: ROOM_ID,
      token: FOLLOWER_TOKEN,
      clientId: `follower-${runtime.newId()}`,
      snapshots: [],
    });
  }

  #heard(frame: string | Uint8Array): void {
    const { runtime } = this.#parts;
    this.#heardMs = runtime.monotonicMs();
    try {
      const message = decodeServerMessage(frame, runtime, LIMITS);
      if (message !== null) this.#take(message);
    } catch (cause) {
      this.#failed(AlcoveError.from(cause));
    }
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#heartbeatMs = message.limits.heartbeatIntervalMs;
        this.#primaryVersion = message.version;
        return this.#follow();
      case 'rehydrate':
        return this.#startCopy();
      case 'records':
        return this.#records(message);
      case 'ping':
      case 'pong':
        if (message.type === 'ping') this.#say({ type: 'pong' });
        if (message.version !== undefined) this.#primaryIsAt(message.version);
        return;
      default:
        return;
    }
  }

  #follow(): void {
    if (this.#file === null) return this.#startCopy();
    const { historyId, version, hash } = this.#file.head;
    this.#phase = 'following';
    this.#say({ type: 'followLog', historyId, version, hash });
    this.#say({ type: 'ping' });
  }

  #records({ records }: ServerMessage & { type: 'records' }): void {
    const { disk, random, runtime } = this.#parts;
    if (this.#file === null || this.#phase !== 'following') return;
    this.#file.take(records);
    if (random.chance(SECURE_SHARE)) disk.secure();
    this.#attempt = 0;
    const { version } = this.#file.head;
    this.#primaryIsAt(Math.max(this.#primaryVersion, version));
    for (const waiting of [...this.#waiting]) if (waiting.version <= version) waiting.reached();
    this.#file.prune({ ...PRUNE, keepAbove: Number.MAX_SAFE_INTEGER }, runtime.nowMs());
  }

  #primaryIsAt(version: number): void {
    this.#primaryVersion = Math.max(this.#primaryVersion, version);
    const head = this.#file?.head;
    if (this.#phase !== 'following' || head === undefined || head.version < this.#primaryVersion) return;
    this.#levelMs = this.#parts.runtime.monotonicMs();
    for (const level of this.#resyncing.splice(0)) level();
  }

  #startCopy(): void {
    const { process, trace } = this.#parts;
    this.#phase = 'copying';
    const copy = {};
    this.#copy = copy;
    this.copies += 1;
    trace.add(process.name, 'copies the room');
    this.#parts.fetchCopy(process).then(
      (bytes) => {
        if (this.#copy !== copy) return;
        this.#copy = null;
        this.#put(bytes);
      },
      (cause: unknown) => {
        if (this.#copy !== copy) return;
        this.#copy = null;
        trace.add(process.name, `gets no copy: ${AlcoveError.from(cause).message}`);
        this.#again();
      },
    );
  }

  #put(bytes: Buffer): void {
    this.#throwAway();
    this.#parts.disk.put(bytes);
    this.#open();
    if (this.#file === null) return this.#again();
    this.#follow();
  }

  /** What it holds and what comes do not fit: the primary is right. */
  #failed({ code, message }: AlcoveError): void {
    const { runtime } = this.#parts;
    this.isOutdated ||= code === 'schema_mismatch';
    runtime.log.error('a followed room does not go on and is copied anew', { code, reason: message });
    this.#throwAway();
    this.#again();
  }

  #throwAway(): void {
    this.#file = null;
    this.#database = null;
    this.#parts.disk.wipe();
  }

  /** The connection is over; the file stays readable. */
  #again(): void {
    this.#beating?.cancel();
    this.#leave();
    if (this.#phase === 'closed') return;
    this.#copy = null;
    this.#phase = 'waiting';
    this.#attempt += 1;
    const { runtime } = this.#parts;
    this.#timer = runtime.setTimer(backoffMs(this.#attempt, runtime.random(), undefined, BACKOFF), () => this.#connect());
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1001, '');
  }

  #beat(): void {
    const { runtime } = this.#parts;
    this.#beating?.cancel();
    this.#beating = runtime.setTimer(ASK_MS, () => {
      if (runtime.monotonicMs() - this.#heardMs > SILENT_HEARTBEATS_MAX * this.#heartbeatMs && this.#phase !== 'copying')
        return this.#again();
      if (this.#phase === 'following' || this.#phase === 'copying') this.#say({ type: 'ping' });
      this.#beat();
    });
  }

  #say(message: ClientMessageInput): void {
    this.#socket?.send(encodeMessage(message, 'json', this.#parts.runtime));
  }
}
