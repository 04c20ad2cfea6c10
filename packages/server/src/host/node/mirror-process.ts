import type { ChildProcess } from 'node:child_process';
import { AlcoveError, exhaustive } from '@alcove/core/error';
import { type BackoffOptions, backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { MirroredRoom as MirroredDefinition } from '../../mirror/mirror-names.ts';
import { type ResolvedMirror, shownUrl } from '../../mirror/mirror-options.ts';
import { syncReport } from '../../read/sync-figures.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { MirrorFigures } from '../postgres/mirror-figures.ts';
import { type MirrorAccess, mirrorAccess } from '../postgres/mirror-access.ts';
import type { MovedRoom } from '../postgres/mirror.ts';
import { forkChild, hasChild } from './fork-child.ts';
import type { MirrorOrders, MirrorReply, MirrorRequest } from './mirror-messages.ts';

export interface MirrorProcessOptions {
  readonly mirror: ResolvedMirror;
  readonly definitions: readonly MirroredDefinition[];
  readonly dataDir: string;
  readonly runtime: Runtime;
  /** Opens a room, which brings its file to the definition. */
  bringUpToDate(room: RoomAddress): Promise<void>;
}

/** How the mirror is, for status, metrics and dashboards. */
export interface MirrorStatus extends MirrorFigures {
  readonly id: 'mirror';
  /** Without who signs in. */
  readonly url: string;
  readonly prefix: string;
  /** Null: the process is being started. */
  readonly pid: number | null;
  /** Processes that ended and were replaced. */
  readonly restarts: number;
}

const START_BACKOFF: BackoffOptions = { baseMs: 250, maxMs: 15_000 };
/** It says how it is every second; one that is silent for so long is ended, and another started. */
const SILENT_MS = 60_000;
/** How long the last commits of a server that closes have to get there. */
const DRAIN_MS = 2_000;
/** Who waits for it to let go of a room's file waits no longer: the log is moved another time. */
const HOLD_OFF_MS = 1_000;

const NOTHING: MirrorFigures = {
  ...syncReport([]),
  state: 'starting',
  error: null,
  waiting: 0,
  checks: { done: 0, drifted: 0, repaired: 0 },
};

/**
 * The server's side of its mirror: tells the process which rooms moved, at most once in `batchMs` and each room once, hears how it is, and starts another where it ends. What was not told is found by the next process, which looks
 * at all rooms.
 */
export class MirrorProcess {
  readonly #options: MirrorProcessOptions;
  readonly #names: ReadonlySet<string>;
  readonly #requests = new Map<number, { resolve(differed: readonly string[]): void; reject(error: AlcoveError): void }>();
  readonly #moved = new Map<string, MovedRoom>();
  readonly #whenReady: ((access: MirrorAccess) => void)[] = [];
  /** Versions that have not been told. */
  #versions = 0;
  #isTaking = false;
  #child: ChildProcess | null = null;
  #access: MirrorAccess | null = null;
  #figures = NOTHING;
  #asked = 0;
  #starts = 0;
  #failures = 0;
  #tell: Timer | null = null;
  #silence: Timer | null = null;
  #restart: Timer | null = null;
  #closed = false;

  constructor(options: MirrorProcessOptions) {
    this.#options = options;
    this.#names = new Set(options.definitions.map(({ name }) => name));
  }

  /** @throws AlcoveError `option_invalid` where the installation lacks the process's file */
  start(): void {
    if (!hasChild('mirror-child'))
      throw new AlcoveError('option_invalid', 'mirror: this installation has no file for the mirror’s process: do not bundle the server');
    this.#startChild();
  }

  /** What reads of the mirror need; null until it was connected once. */
  get access(): MirrorAccess | null {
    return this.#access;
  }

  /** Calls each time the mirror is connected, and at once where it is: it may be another one, with another secret, than before. */
  whenReady(then: (access: MirrorAccess) => void): void {
    this.#whenReady.push(then);
    if (this.#access !== null) then(this.#access);
  }

  get status(): MirrorStatus {
    const { url, prefix } = this.#options.mirror;
    const restarts = Math.max(0, this.#starts - 1);
    return { ...this.#figures, id: 'mirror', url: shownUrl(url), prefix, pid: this.#child?.pid ?? null, restarts };
  }

  /** A room is at this version, durably. `isNew`: it was opened, or removed, and may be another one than before. */
  moved({ name, id }: RoomAddress, version: number, isNew: boolean): void {
    if (this.#closed || !this.#names.has(name)) return;
    const key = `${name}/${id}`;
    const before = this.#moved.get(key);
    this.#moved.set(key, { name, id, version, isNew: isNew || before?.isNew === true });
    this.#versions += 1;
    const { batchMs, batchChanges } = this.#options.mirror;
    if (this.#versions >= batchChanges) this.#tellMoved();
    else this.#tell ??= this.#options.runtime.setTimer(batchMs, () => this.#tellMoved());
  }

  /** Throws what is there of a room away and copies it anew. Resolves when it is level. */
  async resync(room: RoomAddress): Promise<void> {
    await this.#request((request) => ({ kind: 'resync', request, room: { name: room.name, id: room.id } }));
  }

  /** Compares a room with its mirror, and makes that anew where they differ. @returns the tables that differed */
  check(room: RoomAddress): Promise<readonly string[]> {
    return this.#request((request) => ({ kind: 'check', request, room: { name: room.name, id: room.id } }));
  }

  /** Keeps it off a room's file until what this resolves with is called. */
  async holdOff(room: RoomAddress): Promise<() => void> {
    const child = this.#child;
    if (child === null || !this.#names.has(room.name)) return () => undefined;
    let held = 0;
    const told = this.#request((request) => {
      held = request;
      return { kind: 'holdOff', request, room: { name: room.name, id: room.id } };
    });
    // One that ended holds nothing.
    await this.#within(HOLD_OFF_MS, told.then(ignored, ignored));
    return () => {
      if (this.#child === child) this.#send({ kind: 'letGo', request: held });
    };
  }

  /** After the rooms: what they wrote last is given a moment to get there; the next start finds the rest. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#tellMoved();
    this.#restart?.cancel();
    if (this.#child !== null && this.#access !== null) await this.#within(DRAIN_MS, this.#drained());
    this.#closed = true;
    for (const timer of [this.#tell, this.#silence, this.#restart]) timer?.cancel();
    const child = this.#child;
    this.#rejectRequests(new AlcoveError('closed', 'the server is closed'));
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  #startChild(): void {
    const child = forkChild('mirror-child', { collects: true, serialization: 'advanced' });
    this.#child = child;
    this.#starts += 1;
    this.#isTaking = false;
    child.on('message', (reply) => this.#replied(reply as MirrorReply)); // our own child's words
    child.on('error', (error) => this.#ended(child, error.message));
    child.on('exit', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
    this.#watchSilence();
    this.#send({ kind: 'start', orders: this.#orders() });
    if (this.#moved.size > 0) this.#tellMoved();
  }

  #orders(): MirrorOrders {
    const { mirror, definitions, dataDir } = this.#options;
    const { url, prefix, batchChanges, retentionMs, checkIntervalMs, connections } = mirror;
    return { url, prefix, batchChanges, retentionMs, checkIntervalMs, connections, definitions, dataDir };
  }

  async #drained(): Promise<void> {
    await this.#request((request) => ({ kind: 'drain', request })).catch(ignored); // it ended, and with it what it had to do
    if (this.#moved.size === 0) return;
    // These had to wait until those before them were taken, which they have been.
    this.#tellMoved();
    await this.#request((request) => ({ kind: 'drain', request })).catch(ignored);
  }

  async #within(ms: number, work: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.runtime.setTimer(ms, resolve);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (this.#closed) return;
    child.kill('SIGKILL');
    this.#silence?.cancel();
    const error = new AlcoveError('replica_unavailable', `the mirror’s process ended: ${reason}`);
    this.#rejectRequests(error);
    this.#failures += 1;
    this.#figures = { ...this.#figures, state: 'starting', error: { code: error.code, message: error.message, hint: error.hint } };
    const { runtime } = this.#options;
    const waitMs = backoffMs(this.#failures, 0.5 + runtime.random() / 2, undefined, START_BACKOFF);
    runtime.log.error('the mirror’s process ended, and is started again', { reason, waitMs: Math.round(waitMs) });
    this.#restart = runtime.setTimer(waitMs, () => this.#startChild());
  }

  #replied(reply: MirrorReply): void {
    if (this.#closed) return;
    this.#watchSilence();
    switch (reply.kind) {
      case 'taken':
        this.#isTaking = false;
        if (this.#moved.size > 0 && this.#tell === null) this.#tellMoved();
        return;
      case 'figures':
        this.#figures = reply.figures;
        return;
      case 'ready':
        return this.#isReady(reply.secret);
      case 'log':
        return this.#options.runtime.log[reply.level](reply.message, reply.fields);
      case 'bringUpToDate':
        return void this.#bringUpToDate(reply.request, reply.room);
      case 'done':
        this.#requests.get(reply.request)?.resolve(reply.differed);
        this.#requests.delete(reply.request);
        return;
      case 'failed':
        this.#requests.get(reply.request)?.reject(AlcoveError.fromBody(reply.error));
        this.#requests.delete(reply.request);
        return;
      default:
        return exhaustive(reply);
    }
  }

  #isReady(secret: Uint8Array): void {
    const { mirror, runtime } = this.#options;
    this.#failures = 0;
    const access = mirrorAccess(mirror.prefix, secret, runtime);
    this.#access = access;
    for (const then of this.#whenReady) then(access);
  }

  async #bringUpToDate(request: number, room: RoomAddress): Promise<void> {
    const child = this.#child;
    const error = await this.#options.bringUpToDate(room).then(
      () => null,
      (cause: unknown) => AlcoveError.from(cause).toBody(),
    );
    if (this.#child === child) this.#send({ kind: 'upToDate', request, error });
  }

  #tellMoved(): void {
    this.#tell?.cancel();
    this.#tell = null;
    // What comes meanwhile goes with the next, when this was taken; without a process there is nobody to tell, and the next looks for itself.
    if (this.#isTaking || this.#child === null) return;
    this.#isTaking = true;
    this.#versions = 0;
    const rooms = [...this.#moved.values()];
    this.#moved.clear();
    this.#send({ kind: 'moved', rooms });
  }

  #request(message: (request: number) => MirrorRequest): Promise<readonly string[]> {
    this.#asked += 1;
    const request = this.#asked;
    if (this.#child === null)
      return Promise.reject(
        new AlcoveError('replica_unavailable', 'the mirror’s process is being started', {
          hint: 'Ask again in a moment; the server’s log says why it ended.',
        }),
      );
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
      this.#send(message(request));
    });
  }

  #rejectRequests(error: AlcoveError): void {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }

  #send(message: MirrorRequest): void {
    const child = this.#child;
    child?.send(message, (error) => {
      if (error !== null) this.#ended(child, error.message);
    });
  }

  #watchSilence(): void {
    this.#silence?.cancel();
    const child = this.#child;
    this.#silence = this.#options.runtime.setTimer(SILENT_MS, () => {
      if (child !== null) this.#ended(child, `it said nothing for ${SILENT_MS} ms`);
    });
  }
}

const ignored = (): void => undefined;
