import { statSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import type { RoomAccess } from '../../access/access.ts';
import type { SessionFacts } from '../../access/session-filter.ts';
import { logBytesSince } from '../../change-log/log-bytes.ts';
import type { LimitCounts } from '../../limits/limit-meter.ts';
import type { OpenedRoom, RoomAddress } from '../../room/room-directory.ts';
import type { RoutedAnswer } from '../../read/read-route.ts';
import type { ImageOffer, ImageRequest, ReadAsked, RoomPorts } from '../../room/room-ports.ts';
import type { Room } from '../../room/room.ts';
import type { ImageWanted } from '../../snapshot/image-cache.ts';
import { closeDatabase } from './close-database.ts';
import type { RoomFiles } from './data-dir.ts';
import { HeadFile } from './head-file.ts';
import { LogCheckpoint } from './log-checkpoint.ts';
import { RoomReads } from './room-reads.ts';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';
import { TickTimer } from './tick-timer.ts';

export interface HostedRoomOptions {
  readonly address: RoomAddress;
  readonly files: RoomFiles;
  readonly runtime: Runtime;
  readonly walBytesMax: number;
  /** How long closing waits for what is unwritten and for the sessions to go. */
  readonly closeTimeoutMs: number;
  openDatabase(): Database;
  openRoom(database: Database, ports: RoomPorts): Room;
  /** Reads of one user that the host has at once; others wait for those. */
  readonly userReadsMax: number;
  /** A session reads by SQL. */
  read(asked: ReadAsked, signal: AbortSignal): Promise<RoutedAnswer>;
  /** It stands at this version, durably: told when it was opened (`isNew`) and whenever it has moved. */
  moved(version: number, isNew: boolean): void;
  /** Keeps the host's own readers off the file until what it resolves with is called. */
  holdOffReaders(): Promise<() => void>;
  offerImage(request: ImageRequest, wanted: ImageWanted): ImageOffer | null;
  /** A fresh token came on a running session. */
  renewAccess(room: HostedRoom, connectionId: string, token: string): void;
  /** The disk, or the room's own code, failed. Told once, and not from within a call into the room. */
  failed(room: HostedRoom, error: AlcoveError): void;
}

/** Turns of the event loop that a drain takes in a row; then it looks now and then. */
const DRAIN_TURNS_MAX = 1_000;
const DRAIN_POLL_MS = 10;

/** A session that is not read for longer would be taken for silent; what it owes beyond it waits for its next word. */
const HOLD_MS_MAX = 10_000;

/** Close codes of a peer that goes on purpose. */
const CLEAN_CLOSE_CODES = new Set([1000, 1001, 1005]);

/**
 * One open room on this host: its file, its sockets, its timers. Every call into the room goes through `#call`, so that an error in one room ends that room and
 * no other.
 */
export class HostedRoom implements OpenedRoom {
  readonly #options: HostedRoomOptions;
  readonly #database: Database;
  readonly #head: HeadFile;
  readonly #log: LogCheckpoint;
  readonly #reads: RoomReads;
  readonly #room: Room;
  readonly #connections = new Map<string, HostConnection>();
  /** Of them, those that carry another server. */
  readonly #followers = new Set<string>();
  readonly #inode: bigint | null;
  readonly #tick: TickTimer;
  #checkpointed = -1;
  #told = -1;
  #over = false;

  /** @throws AlcoveError whatever is wrong with the file; nothing is open then. */
  constructor(options: HostedRoomOptions) {
    this.#options = options;
    this.#tick = new TickTimer(options.runtime, () => this.#call(() => this.#room.tick()));
    this.#head = new HeadFile(options.files.head);
    this.#reads = new RoomReads(options.userReadsMax, {
      read: (asked, signal) => options.read(asked, signal),
      answer: (connectionId, request, answer) => this.#call(() => this.#room.answerRead(connectionId, request, answer)),
    });
    this.#database = options.openDatabase();
    this.#log = this.#logCheckpoint();
    try {
      this.#room = options.openRoom(this.#database, this.#ports());
      // Opening may have begun a new history: with the old one's head on the disk the room would be refused after a power cut.
      this.#head.sync();
    } catch (error) {
      this.#over = true;
      this.#tick.cancel();
      this.#database.close();
      this.#head.close();
      throw error;
    }
    this.#inode = inodeOf(options.files.database);
    this.#tellMoved(true);
  }

  #logCheckpoint(): LogCheckpoint {
    const { address, files, walBytesMax, runtime, holdOffReaders } = this.#options;
    const later = (run: () => void): void => this.#call(run);
    return new LogCheckpoint({ address, database: this.#database, path: files.database, walBytesMax, runtime, holdOffReaders, later });
  }

  get address(): RoomAddress {
    return this.#options.address;
  }

  /** For the server's own calls; what they throw is theirs. */
  get room(): Room {
    return this.#room;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get spare(): boolean {
    return this.#connections.size > 0 && [...this.#connections.keys()].every((id) => this.#followers.has(id));
  }

  get idle(): boolean {
    return this.#connections.size === 0 && this.#room.stats.isIdle;
  }

  /**
   * Hands a connection over; from here on its frames are the room's, or of what is put before it.
   * @throws AlcoveError `room_failed` where the room was closed in this very moment.
   */
  join(
    connection: HostConnection,
    hello: HelloMessage,
    access: RoomAccess,
    before: (own: ConnectionHandlers) => ConnectionHandlers = (own) => own,
  ): void {
    if (this.#over) throw new AlcoveError('room_failed', 'the room has just been closed', { retryAfterMs: 1000 });
    this.#connections.set(connection.id, connection);
    if (access.isFollower === true) this.#followers.add(connection.id);
    this.#call(() => this.#room.join(connection.id, hello, access, connection.isRelayed));
    connection.handlers = before({
      message: (frame) => this.receive(connection.id, frame),
      arriving: () => this.#call(() => this.#room.arriving(connection.id)),
      closed: (code) => {
        this.#connections.delete(connection.id);
        this.#followers.delete(connection.id);
        this.#call(() => this.#room.leave(connection.id, CLEAN_CLOSE_CODES.has(code) ? 'clean' : 'lost'));
      },
    });
  }

  receive(connectionId: string, frame: string | Uint8Array): void {
    this.#call(() => this.#room.receive(connectionId, frame));
  }

  /** It has said something, and was answered elsewhere. */
  heard(connectionId: string): void {
    this.#call(() => this.#room.heard(connectionId));
  }

  renewAccess(connectionId: string, access: RoomAccess): void {
    this.#call(() => this.#room.renewAccess(connectionId, access));
  }

  /** How often its limits were met since it was opened. */
  get limitsMet(): LimitCounts {
    return this.#room.stats.limitsMet;
  }

  /** Who is in it now. */
  sessions(): (SessionFacts & { readonly connectionId: string })[] {
    const { name: room, id } = this.address;
    return this.#over ? [] : this.#room.connected().map((session) => ({ ...session, room, id }));
  }

  disconnect(connectionId: string, error: AlcoveError): void {
    this.#call(() => this.#room.disconnect(connectionId, error));
  }

  /** Called every few seconds: puts the head on disk, moves the log into the file, looks whether the file is still the one that was opened. */
  sweep(): void {
    const { files } = this.#options;
    const { version } = this.#room.stats;
    this.#attempt(() => {
      if (inodeOf(files.database) !== this.#inode)
        throw new AlcoveError('room_failed', `the room's file was removed or replaced while it was open: ${files.database}`);
      if (version === this.#checkpointed) return;
      this.#head.sync();
      if (this.#log.run()) this.#checkpointed = version;
    });
  }

  async close(reason: AlcoveError): Promise<void> {
    if (this.#over) return;
    // Sessions hear `draining` from the room itself, each with a waiting time of its own.
    if (reason.code === 'draining' || this.idle) await this.#drain();
    else for (const id of [...this.#connections.keys()]) this.disconnect(id, reason);
    this.#end();
  }

  /** Asks the room to finish, and waits until everything is written and told and the sessions are gone, or the time is over. */
  async #drain(): Promise<void> {
    const { runtime, closeTimeoutMs } = this.#options;
    const untilMs = runtime.monotonicMs() + closeTimeoutMs;
    this.#call(() => this.#room.drain());
    this.#durable();
    for (let turns = 0; !this.#over && !this.#room.stats.isIdle && runtime.monotonicMs() < untilMs; turns += 1) {
      // What takes many turns waits for something else than its turn: a full disk, a slow socket.
      await new Promise<void>(
        (resolve) => void (turns < DRAIN_TURNS_MAX ? setImmediate(resolve) : runtime.setTimer(DRAIN_POLL_MS, resolve)),
      );
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tick.cancel();
    this.#reads.close();
    const { runtime, address } = this.#options;
    for (const [what, step] of Object.entries({
      room: () => this.#room.close(),
      database: () => closeDatabase(this.#database),
      head: () => this.#head.close(),
    })) {
      try {
        step();
      } catch (error) {
        runtime.log.error('a room did not close cleanly', {
          room: address.name,
          id: address.id,
          what,
          reason: AlcoveError.from(error).message,
        });
      }
    }
  }

  #ports(): RoomPorts {
    return {
      send: (connectionId, frame) => this.#connections.get(connectionId)?.send(frame),
      bufferedBytes: (connectionId) => this.#connections.get(connectionId)?.bufferedBytes ?? 0,
      hold: (connectionId, ms) => this.#connections.get(connectionId)?.slowDown(Math.min(ms, HOLD_MS_MAX)),
      disconnect: (connectionId, error) => {
        this.#connections.get(connectionId)?.close(error);
        this.#connections.delete(connectionId);
        this.#followers.delete(connectionId);
      },
      requestFlush: () => setImmediate(() => this.#flush()),
      requestTick: (atMs) => this.#over || this.#tick.request(atMs),
      offerImage: (request) =>
        this.#options.offerImage(request, { ...request, logBytesSince: (version) => logBytesSince(this.#database, version) }),
      read: (connectionId, request, asked) => this.#reads.begin(connectionId, request, asked),
      readEnd: (connectionId, request) => this.#reads.end(connectionId, request),
      headStored: () => this.#head.read(),
      storeHead: (head) => this.#head.write(head),
      admitted: (connectionId, user, expiresInMs) => this.#connections.get(connectionId)?.admitted?.(user, expiresInMs),
      renewAccess: (connectionId, token) => this.#options.renewAccess(this, connectionId, token),
      failed: (error) => setImmediate(() => this.#fail(error)),
    };
  }

  #flush(): void {
    this.#call(() => this.#room.flush());
    this.#durable();
  }

  /** The drivers' COMMIT has returned: with `synchronous=FULL` that is the disk, else what the author chose instead. */
  #durable(): void {
    this.#call(() => this.#room.durable(this.#room.stats.version));
    this.#tellMoved(false);
  }

  #tellMoved(isNew: boolean): void {
    const { version } = this.#room.head;
    if (version === this.#told && !isNew) return;
    this.#told = version;
    this.#options.moved(version, isNew);
  }

  /** A room reports its own failures through its ports; whatever else it throws is a bug, and its state is not to be trusted any more. */
  #call(fn: () => void): void {
    if (!this.#over) this.#attempt(fn);
  }

  #attempt(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      const failure = AlcoveError.from(error, 'room_failed');
      setImmediate(() => this.#fail(failure));
    }
  }

  #fail(error: AlcoveError): void {
    if (this.#over) return;
    const { address, runtime } = this.#options;
    runtime.log.error('a room failed, is closed and will be opened again from disk', {
      room: address.name,
      id: address.id,
      code: error.code,
      reason: error.message,
    });
    // What it failed of names files and may quote SQL: it stands in the log.
    this.#options.failed(this, new AlcoveError('room_failed', 'the room failed and is opened again', { cause: error }));
  }
}

const inodeOf = (path: string): bigint | null => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
