import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { decodeServerMessage } from '@alcove/core/protocol/codec';
import { unwrapRelayed } from '@alcove/core/protocol/relay';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ReplicaLag } from '../read/replica.ts';
import { RoomUnavailable } from '../read/room-unavailable.ts';
import { SyncCounts } from '../read/sync-counts.ts';
import type { SyncFigures } from '../read/sync-figures.ts';
import type { RoomAddress } from '../room/room-directory.ts';
import { AskPace } from './ask-pace.ts';
import type { FetchedCopy, FollowedCopy } from './followed-copy.ts';
import { type FollowedRoom, rowsIn } from './followed-room.ts';
import { followerHello } from './follower-hello.ts';
import { LinkLag } from './link-lag.ts';
import { type LinkListener, NO_TABS } from './link-listener.ts';
import { followedFigures, type LinkPhase, type LinkStatus } from './link-status.ts';
import { type DialPrimary, LINE_PACE, type LinePace, PrimaryLine } from './primary-line.ts';
import { FollowedPruning } from './prune-followed.ts';
import { ResyncWait } from './resync-wait.ts';
import { VersionWaits } from './version-waits.ts';

export interface FollowerLinkOptions {
  readonly address: RoomAddress;
  /** Where the primary is, for whoever reads the log, and its follower token. */
  readonly from: string;
  readonly token: string;
  readonly runtime: Runtime;
  readonly file: FollowedCopy;
  readonly dial: DialPrimary;
  /** Who serves tabs of the room. Default: nobody. */
  readonly listener?: LinkListener;
  readonly pace?: LinePace;
  /** The primary had no such room when it was last asked, before this process. */
  readonly wasGone?: boolean;
}

/** A frame of a room's log: as large as a commit may be, see the room's limits. */
export const LINK_FRAME_BYTES_MAX = 256 * 1024 * 1024;
/** Words of a primary that takes it for somebody else. */
const NOT_A_FOLLOWER: ReadonlySet<string> = new Set(['forbidden', 'unauthenticated']);

/** One room of a follower: its file, the line that keeps it in step, and a fresh copy of the file where that cannot be. */
export class FollowerLink {
  readonly #options: FollowerLinkOptions;
  readonly #file: FollowedCopy;
  readonly #listener: LinkListener;
  readonly #line: PrimaryLine;
  readonly #lag: LinkLag;
  readonly #waits: VersionWaits;
  readonly #pruning: FollowedPruning;
  readonly #counts: SyncCounts;
  readonly #resyncing = new ResyncWait();
  readonly #pace: AskPace;
  #heartbeatMs: number;
  #phase: LinkPhase = 'waiting';
  /** The primary's. */
  #historyId: string | null = null;
  #error: AlcoveError | null = null;
  #copy: FetchedCopy | null = null;
  #isRefusalTold = false;
  #isGone = false;

  constructor(options: FollowerLinkOptions) {
    const { file, listener = NO_TABS, runtime, dial, pace = LINE_PACE } = options;
    this.#options = options;
    this.#isGone = options.wasGone ?? false;
    this.#file = file;
    this.#listener = listener;
    this.#lag = new LinkLag(runtime);
    this.#waits = new VersionWaits(runtime);
    this.#pruning = new FollowedPruning(runtime);
    this.#counts = new SyncCounts(runtime);
    this.#pace = new AskPace(runtime);
    this.#heartbeatMs = pace.heartbeatMs;
    this.#line = new PrimaryLine(dial, runtime, pace, {
      dialing: () => {
        this.#phase = 'connecting';
      },
      opened: () => this.#say(followerHello(options.address, options.token, runtime)),
      heard: (frame) => this.#heard(frame),
      failed: (error) => this.#unreachable(error),
      silent: (error) => this.#silent(error),
      ask: () => this.#ask(),
      ended: () => this.#ended(),
    });
  }

  get address(): RoomAddress {
    return this.#options.address;
  }

  get status(): LinkStatus {
    const { code, message } = this.#error ?? {};
    const error = code === undefined || message === undefined ? null : { code, message };
    return { phase: this.#phase, head: this.#room?.head ?? null, lag: this.lag, error };
  }

  /** Null: there is no such room, as far as is known. */
  get lag(): ReplicaLag | null {
    const head = this.#room?.head;
    if (head === undefined && this.#error?.code === 'room_unknown') return null;
    return this.#lag.of(head?.version ?? 0, this.#phase === 'following');
  }

  /** For status, metrics and dashboards. */
  get figures(): SyncFigures {
    return followedFigures(this.#options.address, this.status, this.#lag.primaryVersion, this.#counts);
  }

  /** The last word of the primary about the room was that there is none: what the file holds is nobody's to read. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** The primary has no such room, as far as is known, or no place for one that is only followed. */
  get isShut(): boolean {
    return this.#error?.code === 'room_unknown' || this.#error?.code === 'overloaded';
  }

  /** Or there is no such room. */
  get hasBeenLevel(): boolean {
    return this.#lag.hasBeenLevel || this.#error?.code === 'room_unknown';
  }

  /** Bytes that wait on the way to the primary. */
  get bufferedBytes(): number {
    return this.#line.bufferedBytes;
  }

  start(): void {
    this.#file.find();
    this.#line.open();
  }

  /** Resolves once the file holds that version, or the time is over; the caller looks again. */
  reached(version: number, timeoutMs: number): Promise<void> {
    this.#pace.used();
    if ((this.#room?.head.version ?? -1) >= version || this.#phase === 'closed') return Promise.resolve();
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
      this.#lag.lost();
      this.#line.works();
      this.#throwAway();
      this.#line.end();
    });
  }

  /** Says something for the sessions of tabs; nothing where there is no way just now. */
  relay(frame: Uint8Array): void {
    this.#pace.used();
    this.#line.send(frame);
  }

  /** Gives up the way to the primary and takes another one. */
  giveUp(error: AlcoveError): void {
    this.#error = error;
    this.#line.end();
  }

  /** Where the primary had no such room: perhaps it has it now. */
  again(): void {
    if (this.#phase === 'waiting') this.#line.open();
  }

  close(): void {
    this.#phase = 'closed';
    this.#resyncing.failed(new AlcoveError('closed', 'the follower is closed'));
    this.#copy?.cancel();
    this.#copy = null;
    this.#line.close();
    this.#listener.lost(new AlcoveError('draining', 'the follower is stopping'));
    this.#file.close();
    this.#waits.reached(Number.POSITIVE_INFINITY);
  }

  get #room(): FollowedRoom | null {
    return this.#file.open?.room ?? null;
  }

  #heard(frame: string | Uint8Array): void {
    try {
      const relayed = unwrapRelayed(frame);
      if (relayed !== null) return this.#listener.relayed(relayed.session, relayed.frame);
      const message = decodeServerMessage(frame, this.#options.runtime, { messageBytesMax: LINK_FRAME_BYTES_MAX });
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
        this.#line.beats(this.#heartbeatMs);
        this.#lag.welcomed(message.version);
        this.#historyId = message.historyId;
        this.#isGone = false;
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
        if (message.code === 'room_unknown') {
          this.#isGone = true;
          this.#resyncing.failed(new RoomUnavailable('the primary has no such room'));
        }
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
    this.#lag.lost();
    this.#line.end();
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
    const room = this.#room;
    if (room === null || this.#phase !== 'following') return;
    const taken = room.take(records);
    this.#counts.applied(taken === null ? 0 : rowsIn(taken));
    this.#line.works();
    this.#isRefusalTold = false;
    const { version } = room.head;
    if (taken !== null) this.#listener.taken(taken);
    this.#primaryIsAt(version);
    this.#waits.reached(version);
    this.#pruning.after(room, this.#listener.oldest);
  }

  #primaryIsAt(version: number): void {
    this.#lag.primaryAt(version);
    this.#listener.primaryAt(this.#lag.primaryVersion);
    const room = this.#room;
    if (this.#phase === 'following' && room !== null && this.#lag.reached(room.head.version)) this.#resyncing.level();
  }

  #startCopy(): void {
    this.#phase = 'copying';
    const copy = this.#file.fetch();
    this.#copy = copy;
    this.#putInPlace(copy).then(
      () => {
        if (this.#copy !== copy) return;
        this.#copy = null;
        this.#follow();
      },
      (cause: unknown) => {
        if (this.#copy !== copy) return;
        this.#copy = null;
        this.#counts.failed();
        this.#error = AlcoveError.from(cause, 'connection_lost');
        this.#line.end();
      },
    );
  }

  async #putInPlace(copy: FetchedCopy): Promise<void> {
    await copy.whole;
    if (this.#copy !== copy) return;
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
    this.#line.end();
  }

  #throwAway(): void {
    this.#listener.lost(new AlcoveError('primary_lost', 'the follower takes a fresh copy of the room'));
    this.#file.throwAway();
  }

  #unreachable(error: AlcoveError): void {
    this.#counts.failed();
    this.#error = error;
  }

  /** While a copy is on its way the primary may have no time. */
  #silent(error: AlcoveError): boolean {
    if (this.#phase === 'copying') return false;
    this.#error = error;
    return true;
  }

  #ask(): void {
    if (this.#phase !== 'following' && this.#phase !== 'copying') return;
    if (this.#pace.asks(this.#heartbeatMs)) this.#say({ type: 'ping' });
  }

  /** The socket is gone; the file stays readable. */
  #ended(): number | undefined {
    this.#listener.lost(new AlcoveError('primary_lost', 'the follower has lost its primary'));
    this.#copy?.cancel();
    this.#copy = null;
    this.#phase = 'waiting';
    return this.#error?.retryAfterMs;
  }

  #say(message: ClientMessageInput): void {
    this.#line.send(JSON.stringify(message));
  }
}
