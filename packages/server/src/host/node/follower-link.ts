import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { decodeServerMessage } from '@alcove/core/protocol/codec';
import { unwrapRelayed } from '@alcove/core/protocol/relay';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { backoffMs } from '@alcove/core/retry/backoff';
import type { Timer } from '@alcove/core/runtime/runtime';
import { WebSocket } from 'ws';
import { rowsIn } from '../../follow/followed-room.ts';
import { followedFigures, type LinkPhase, type LinkStatus } from '../../follow/link-status.ts';
import { FollowedPruning } from '../../follow/prune-followed.ts';
import { VersionWaits } from '../../follow/version-waits.ts';
import type { ReplicaLag } from '../../read/replica.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { SyncCounts } from '../../read/sync-counts.ts';
import type { SyncFigures } from '../../read/sync-figures.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { fetchRoomCopy } from './fetch-room-copy.ts';
import { FollowedFile, type FollowedFileOptions } from './followed-file.ts';
import { followerHello } from './follower-hello.ts';
import { type LinkListener, NO_TABS } from './link-listener.ts';
import { ResyncWait } from './resync-wait.ts';

export interface FollowerLinkOptions extends FollowedFileOptions {
  /** The primary's sockets, ws: or wss:, and its follower token. */
  readonly from: string;
  readonly token: string;
  /** Who serves tabs of the room. Default: nobody. */
  readonly listener?: LinkListener;
}

/** A frame of a room's log: as large as a commit may be, see the room's limits. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;
/** A primary that says nothing for so many heartbeats is asked anew on another socket. */
const SILENT_HEARTBEATS_MAX = 3;
const HEARTBEAT_DEFAULT_MS = 15_000;
/** Words of a primary that takes it for somebody else. */
const NOT_A_FOLLOWER: ReadonlySet<string> = new Set(['forbidden', 'unauthenticated']);
/** How often the primary is asked where it stands: as old may the lag be that this follower tells. */
const ASK_MS_MAX = 1_000;
/** One room of a follower: its file, the socket that keeps it in step, and a fresh copy of the file where that cannot be. */
export class FollowerLink {
  readonly #options: FollowerLinkOptions;
  readonly #waits: VersionWaits;
  #phase: LinkPhase = 'waiting';
  readonly #file: FollowedFile;
  readonly #listener: LinkListener;
  /** The primary's. */
  #historyId: string | null = null;
  #socket: WebSocket | null = null;
  #timer: Timer | null = null;
  #heartbeat: Timer | null = null;
  #attempt = 0;
  #error: AlcoveError | null = null;
  #heartbeatMs = HEARTBEAT_DEFAULT_MS;
  #primaryVersion = 0;
  #heardMs = 0;
  /** When it last held all that the primary was known to have. */
  #levelMs: number | null = null;
  readonly #startedMs: number;
  readonly #pruning: FollowedPruning;
  readonly #counts: SyncCounts;
  readonly #resyncing = new ResyncWait();
  #isRefusalTold = false;
  #copy: AbortController | null = null;

  constructor(options: FollowerLinkOptions) {
    this.#options = options;
    this.#file = new FollowedFile(options);
    this.#listener = options.listener ?? NO_TABS;
    this.#startedMs = options.runtime.monotonicMs();
    this.#waits = new VersionWaits(options.runtime);
    this.#pruning = new FollowedPruning(options.runtime);
    this.#counts = new SyncCounts(options.runtime);
  }

  get address(): RoomAddress {
    return this.#options.address;
  }

  get status(): LinkStatus {
    const { code, message } = this.#error ?? {};
    const error = code === undefined || message === undefined ? null : { code, message };
    return { phase: this.#phase, head: this.#file.room?.head ?? null, lag: this.lag, error };
  }

  /** Null: there is no such room, as far as is known. */
  get lag(): ReplicaLag | null {
    const { head } = this.#file.room ?? {};
    if (head === undefined && this.#error?.code === 'room_unknown') return null;
    const versions = Math.max(0, this.#primaryVersion - (head?.version ?? 0));
    const isLevel = this.#phase === 'following' && versions === 0 && this.#levelMs !== null;
    return { versions, ms: isLevel ? 0 : Math.ceil(this.#options.runtime.monotonicMs() - (this.#levelMs ?? this.#startedMs)) };
  }

  /** For status, metrics and dashboards. */
  get figures(): SyncFigures {
    return followedFigures(this.#options.address, this.status, this.#primaryVersion, this.#counts);
  }

  /** The primary has no such room, as far as is known, or no place for one that is only followed. */
  get isShut(): boolean {
    return this.#error?.code === 'room_unknown' || this.#error?.code === 'overloaded';
  }

  /** Or there is no such room. */
  get hasBeenLevel(): boolean {
    return this.#levelMs !== null || this.#error?.code === 'room_unknown';
  }

  /** Path of the file to read; null while there is none. */
  get path(): string | null {
    return this.#file.path;
  }

  /** Called every few seconds. */
  sweep(): void {
    this.#file.sweep();
  }

  start(): void {
    this.#file.find();
    this.#connect();
  }

  /** Resolves once the file holds that version, or the time is over; the caller looks again. */
  reached(version: number, timeoutMs: number): Promise<void> {
    if ((this.#file.room?.head.version ?? -1) >= version || this.#phase === 'closed') return Promise.resolve();
    return this.#waits.for(version, timeoutMs);
  }

  /**
   * Throws the copy away and takes a fresh one; resolves when that is level with the primary, however long it takes. Whoever asks meanwhile waits for the same one.
   * @throws AlcoveError (as rejection) `closed`; RoomUnavailable where the primary has no such room
   */
  resync(): Promise<void> {
    if (this.#phase === 'closed') return Promise.reject(new AlcoveError('closed', 'the follower is closed'));
    return this.#resyncing.for(() => {
      const { runtime, address } = this.#options;
      runtime.log.info('a followed room is copied anew', { room: address.name, id: address.id, code: null, reason: 'it was asked for' });
      this.#levelMs = null;
      this.#attempt = 0;
      this.#throwAway();
      this.#socket?.terminate();
    });
  }

  close(): void {
    this.#phase = 'closed';
    this.#resyncing.failed(new AlcoveError('closed', 'the follower is closed'));
    this.#timer?.cancel();
    this.#heartbeat?.cancel();
    this.#copy?.abort();
    this.#socket?.terminate();
    this.#socket = null;
    this.#listener.lost(new AlcoveError('draining', 'the follower is stopping'));
    this.#file.close();
    this.#waits.reached(Number.POSITIVE_INFINITY);
  }

  #connect(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'connecting';
    const { from, runtime } = this.#options;
    const socket = new WebSocket(from, { perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });
    this.#socket = socket;
    this.#heardMs = runtime.monotonicMs();
    socket.on('upgrade', ({ socket: raw }) => {
      // Of a message that is on its way for long, as a large commit is on a slow link, nothing is heard before it is whole.
      raw.on('data', () => {
        if (socket === this.#socket) this.#heardMs = runtime.monotonicMs();
      });
    });
    socket.on('open', () => this.#hello(socket));
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (socket === this.#socket) this.#heard(isBinary ? new Uint8Array(data) : data.toString());
    });
    socket.on('error', (cause) => {
      if (socket !== this.#socket) return;
      this.#counts.failed();
      this.#error = new AlcoveError('connection_lost', `the primary at ${from}: ${cause.message}`, { cause });
    });
    socket.on('close', () => {
      if (socket === this.#socket) this.#again();
    });
    this.#beat();
  }

  #hello(socket: WebSocket): void {
    const { address, token, runtime } = this.#options;
    if (socket !== this.#socket) return;
    this.#say(followerHello(address, token, runtime));
  }

  #heard(frame: string | Uint8Array): void {
    const { runtime } = this.#options;
    this.#heardMs = runtime.monotonicMs();
    try {
      const relayed = unwrapRelayed(frame);
      if (relayed !== null) return this.#listener.relayed(relayed.session, relayed.frame);
      const message = decodeServerMessage(frame, runtime, { messageBytesMax: FRAME_BYTES_MAX });
      if (message !== null) this.#take(message);
    } catch (cause) {
      // What it holds and what comes do not fit: the primary is right.
      this.#failed(AlcoveError.from(cause));
    }
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#heartbeatMs = message.limits.heartbeatIntervalMs;
        this.#primaryVersion = message.version;
        this.#historyId = message.historyId;
        this.#listener.welcomed(message);
        return this.#follow();
      case 'rehydrate':
        this.#listener.lost(new AlcoveError('primary_lost', 'the follower takes a fresh copy of the room'));
        return this.#startCopy();
      case 'records':
        return this.#records(message);
      case 'pong':
      case 'ping':
        if (message.type === 'ping') this.#say({ type: 'pong' });
        if (message.version !== undefined) this.#primaryIsAt(message.version);
        return;
      case 'error':
        this.#error = AlcoveError.fromBody(message);
        if (message.code === 'room_unknown') this.#resyncing.failed(new RoomUnavailable('the primary has no such room'));
        // It would stay in the room like anybody, and hear nothing of the log.
        if (NOT_A_FOLLOWER.has(message.code)) this.#refused(this.#error);
        return;
      case 'presence':
      case 'cursors':
      case 'ephemeral':
      case 'values':
        return this.#listener.states(message);
      default:
        return; // what is said to people in the room
    }
  }

  /** Whoever runs it has to do something: told once, until the primary has let it follow. */
  #refused({ code, message }: AlcoveError): void {
    const { runtime, address, from } = this.#options;
    if (!this.#isRefusalTold)
      runtime.log.error('the primary does not let itself be followed: its `followers.token` is another one than ours, or it has none', {
        room: address.name,
        id: address.id,
        from,
        code,
        reason: message,
      });
    this.#isRefusalTold = true;
    this.#levelMs = null;
    this.#socket?.terminate();
  }

  #follow(): void {
    const { open } = this.#file;
    if (open === null) return this.#startCopy();
    const { historyId, version, hash } = open.room.head;
    this.#phase = 'following';
    this.#error = null;
    // What the primary says of that comes before the pong, and so does what it has more than this file.
    this.#say({ type: 'followLog', historyId, version, hash });
    this.#say({ type: 'ping' });
    if (historyId === this.#historyId) this.#listener.following(open);
  }

  #records({ records }: ServerMessage & { type: 'records' }): void {
    const { room } = this.#file;
    if (room === null || this.#phase !== 'following') return;
    const taken = room.take(records);
    this.#counts.applied(taken === null ? 0 : rowsIn(taken));
    this.#attempt = 0;
    this.#isRefusalTold = false;
    const { version } = room.head;
    if (taken !== null) this.#listener.taken(taken);
    this.#primaryIsAt(Math.max(this.#primaryVersion, version));
    this.#waits.reached(version);
    this.#pruning.after(room, this.#listener.oldest);
  }

  #primaryIsAt(version: number): void {
    this.#primaryVersion = Math.max(this.#primaryVersion, version);
    this.#listener.primaryAt(version);
    const head = this.#file.room?.head;
    if (this.#phase !== 'following' || head === undefined || head.version < this.#primaryVersion) return;
    this.#levelMs = this.#options.runtime.monotonicMs();
    this.#resyncing.level();
  }

  #startCopy(): void {
    this.#phase = 'copying';
    const socket = this.#socket;
    const copy = new AbortController();
    this.#copy = copy;
    this.#fetchCopy(copy.signal).then(
      () => {
        if (this.#copy !== copy || socket !== this.#socket || this.#phase !== 'copying') return;
        this.#copy = null;
        this.#follow();
      },
      (cause: unknown) => {
        if (this.#copy !== copy) return;
        this.#copy = null;
        this.#counts.failed();
        this.#error = AlcoveError.from(cause, 'connection_lost');
        socket?.terminate();
      },
    );
  }

  async #fetchCopy(signal: AbortSignal): Promise<void> {
    const { from, token, address } = this.#options;
    await fetchRoomCopy({ address, from, token, path: this.#file.makingPath }, signal);
    this.#throwAway();
    this.#file.replace();
    this.#counts.applied(0);
  }

  /** The file does not fit the log, or the log is damaged on its way: it is copied anew. */
  #failed(error: AlcoveError): void {
    const { runtime, address } = this.#options;
    this.#counts.failed();
    this.#error = error;
    runtime.log.error('a followed room does not go on and is copied anew', {
      room: address.name,
      id: address.id,
      code: error.code,
      reason: error.message,
    });
    this.#throwAway();
    this.#socket?.terminate();
  }

  #throwAway(): void {
    this.#listener.lost(new AlcoveError('primary_lost', 'the follower takes a fresh copy of the room'));
    this.#file.throwAway();
  }

  /** The connection is gone; the file stays readable. */
  #again(): void {
    this.#heartbeat?.cancel();
    this.#socket = null;
    if (this.#phase === 'closed') return;
    this.#listener.lost(new AlcoveError('primary_lost', 'the follower has lost its primary'));
    this.#copy?.abort();
    this.#copy = null;
    this.#phase = 'waiting';
    this.#attempt += 1;
    const { runtime } = this.#options;
    const waitMs = backoffMs(this.#attempt, runtime.random(), this.#error?.retryAfterMs);
    this.#timer = runtime.setTimer(waitMs, () => this.#connect());
  }

  #beat(): void {
    const { runtime } = this.#options;
    this.#heartbeat?.cancel();
    this.#heartbeat = runtime.setTimer(Math.min(ASK_MS_MAX, this.#heartbeatMs), () => {
      if (runtime.monotonicMs() - this.#heardMs > SILENT_HEARTBEATS_MAX * this.#heartbeatMs && this.#phase !== 'copying') {
        this.#error = new AlcoveError('heartbeat_missed', 'the primary says nothing');
        this.#socket?.terminate();
        return;
      }
      if (this.#phase === 'following' || this.#phase === 'copying') this.#say({ type: 'ping' });
      this.#beat();
    });
  }

  /** Bytes that wait on the way to the primary. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Says something for the sessions of tabs; nothing where there is no way just now. */
  relay(frame: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Gives up the way to the primary and takes another one. */
  giveUp(error: AlcoveError): void {
    this.#error = error;
    this.#socket?.terminate();
  }

  /** Where the primary had no such room: perhaps it has it now. */
  again(): void {
    if (this.#phase !== 'waiting') return;
    this.#timer?.cancel();
    this.#connect();
  }

  #say(message: ClientMessageInput): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
