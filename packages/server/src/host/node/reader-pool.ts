import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { ReadTurns } from '../../read/read-turns.ts';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../read/replica.ts';
import { DIGEST_TIMEOUT_MS, type DigestTable, type RoomDigest } from '../../read/room-digest.ts';
import { RoomGone, RoomUnavailable } from '../../read/room-unavailable.ts';
import { hasReaderChild, ReaderProcess, type ReaderRun } from './reader-process.ts';
import type { ReaderAnswer, ReaderJob } from './reader-job.ts';

export interface ReaderPoolOptions {
  readonly runtime: Runtime;
  /** The database file of a room; null where there is none. */
  readonly fileOf: (room: ReadRequest['room']) => string | null;
  /** What of a room a digest is of. */
  readonly tablesOf: (room: ReadRequest['room']) => readonly DigestTable[];
  /** Processes, each with one read at a time. */
  readonly readersMax: number;
  /** Reads that wait for a process; past it `replica_unavailable`. */
  readonly queueMax: number;
  /** A read that waited so long for a process is told `replica_unavailable`. */
  readonly queueTimeoutMs: number;
  /** A process without work ends after it; starting one costs about 100 ms. */
  readonly idleMs: number;
  /** Text, blob or row on its way through a read; a longer one is `result_too_large`. */
  readonly valueBytesMax: number;
  /** What a process may grow by; past it the read ends with its process and is `result_too_large`. */
  readonly heapBytesMax: number;
  /** Counts reads that found no process in time, by the limit that says so. */
  readonly meter?: LimitMeter | undefined;
}

/** Leaves one core to the process that writes; two at least, since one user never has all of them. */
export const defaultReadersMax = (): number => Math.max(2, availableParallelism() - 1);

/** Of a read of nothing, its wait for a process not counted. */
const CHECK_TIMEOUT_MS = 5_000;
/** After a process that could not be started none is started for so long. */
const START_RETRY_MS = 1_000;
/** Most reads are done within it. A log that is too long waits for it, and nothing else does. */
const MAKE_WAY_MS = 250;
/** How long who was sent away is to wait: by then a process is free, or there is another. */
const RETRY_AFTER_MS = 250;

const LEVEL: ReplicaLag = { versions: 0, ms: 0 };

/**
 * Reads in processes of their own, on the very files that rooms are written to: without lag and without a copy. SQL of users runs nowhere else. A process that takes too long
 * or dies fails its read only; another takes its place when it is needed.
 */
export class ReaderPool implements Replica {
  readonly id = 'readers';
  readonly dialect = 'sqlite';
  readonly #options: ReaderPoolOptions;
  readonly #waiting = new Set<PendingRead>();
  readonly #processes = new Set<ReaderProcess>();
  readonly #turns = new ReadTurns();
  /** Files that reads are kept off, and by how many callers. */
  readonly #heldOff = new Map<string, number>();
  /** One process more, for digests: reads wait for none. Made when one is asked for. */
  #digests: ReaderPool | null = null;
  /** And one for those that may take long, for which no other digest waits. */
  #longDigests: ReaderPool | null = null;
  /** Of those that wait for reads to end, called whenever one has. */
  readonly #looks = new Set<() => void>();
  #isAvailable: boolean | undefined;
  #startNotBeforeMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  /** Whether there is a sandbox here: @photostructure/sqlite loads, and the installation has the processes' files. Tried once. */
  get available(): boolean {
    this.#isAvailable ??= hasReaderChild() && packageLoads();
    return this.#isAvailable;
  }

  /** What it does just now, for those who watch it. */
  get load(): { readonly pids: readonly number[]; readonly busy: number; readonly waiting: number } {
    const processes = [...this.#processes];
    return {
      pids: processes.flatMap(({ pid }) => pid ?? []),
      busy: processes.filter(({ state }) => state === 'busy').length,
      waiting: this.#waiting.size,
    };
  }

  async read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    const { room, sql, params, sight, atLeast, bounds, user } = request;
    const path = this.#options.fileOf(room);
    if (path === null) throw new RoomGone('the room has no file here');
    const answer = await this.#run({ path, sql, params, sight, atLeast, bounds }, bounds.timeoutMs, signal, user);
    if (answer === null || 'tables' in answer) throw new AlcoveError('internal', 'a reader process answered a read with something else');
    return answer;
  }

  /** Holds the room's log while it lasts, and makes way where that is to be moved. */
  async digest(room: ReadRequest['room'], signal: EndSignal, timeoutMs = DIGEST_TIMEOUT_MS): Promise<RoomDigest> {
    const path = this.#options.fileOf(room);
    if (path === null) throw new RoomGone('the room has no file here');
    if (this.#closed) throw new AlcoveError('closed', 'the server is closed');
    const job: ReaderJob = { path, digest: this.#options.tablesOf(room), bounds: { timeoutMs } };
    const answer = await this.#digestPool(timeoutMs).#run(job, timeoutMs, signal);
    if (answer === null || !('tables' in answer))
      throw new AlcoveError('internal', 'a reader process answered a digest with something else');
    return answer;
  }

  #digestPool(timeoutMs: number): ReaderPool {
    const one = (): ReaderPool => new ReaderPool({ ...this.#options, readersMax: 1 });
    return timeoutMs > DIGEST_TIMEOUT_MS ? (this.#longDigests ??= one()) : (this.#digests ??= one());
  }

  async check(signal: EndSignal): Promise<ReplicaLag> {
    try {
      await this.#run(null, CHECK_TIMEOUT_MS, signal);
    } catch (error) {
      const failure = AlcoveError.from(error);
      throw failure.code === 'query_timeout' ? unavailable(failure.message) : failure;
    }
    return LEVEL;
  }

  /**
   * Keeps reads off a file, so that its log can be moved into it however readers follow each other: what comes waits, and what runs on it has a moment to end, then is ended
   * (`replica_unavailable`: it may be asked again). Resolves when no process holds the log; what it resolves with lets reads go on, and must be called.
   */
  async holdOff(path: string): Promise<() => void> {
    this.#heldOff.set(path, (this.#heldOff.get(path) ?? 0) + 1);
    await this.#readsEnd(path);
    const reading = [...this.#processes].filter((process) => process.isReading(path));
    for (const process of reading)
      process.end(new RoomUnavailable('the read made way for what was written', { retryAfterMs: RETRY_AFTER_MS }));
    const digests = [this.#digests, this.#longDigests].flatMap((pool) => pool?.holdOff(path) ?? []);
    const [goOn] = await Promise.all([Promise.all(digests), ...reading.map(({ exited }) => exited)]);
    return () => {
      for (const go of goOn) go();
      const others = (this.#heldOff.get(path) ?? 1) - 1;
      if (others > 0) this.#heldOff.set(path, others);
      else this.#heldOff.delete(path);
      this.#next();
    };
  }

  /** Resolves when nothing runs on the file, or after a moment. */
  async #readsEnd(path: string): Promise<void> {
    const isRead = (): boolean => [...this.#processes].some((process) => process.isReading(path));
    if (!isRead()) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.runtime.setTimer(MAKE_WAY_MS, () => done());
      const look = (): void => {
        if (!isRead()) done();
      };
      const done = (): void => {
        timer.cancel();
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closed = new AlcoveError('closed', 'the server is closed');
    for (const read of this.#waiting) read.failed(closed);
    const processes = [...this.#processes];
    for (const process of processes) process.end(closed);
    await Promise.all([this.#digests?.close(), this.#longDigests?.close(), ...processes.map(({ exited }) => exited)]);
  }

  #run(job: ReaderJob, timeoutMs: number, signal: EndSignal, user?: string): Promise<ReaderAnswer> {
    if (this.#closed) return Promise.reject(new AlcoveError('closed', 'the server is closed'));
    if (signal.aborted) return Promise.reject(abandoned());
    const refused = this.#refusal(user);
    if (refused !== null) {
      this.#options.meter?.saw(refused);
      return Promise.reject(refused);
    }
    return new Promise((resolve, reject) => {
      const settled = (hadProcess: boolean): void => {
        this.#waiting.delete(read);
        if (hadProcess) this.#turns.left(user);
      };
      const read = new PendingRead(job, user, timeoutMs, signal, { resolve, reject, settled });
      this.#waiting.add(read);
      read.waitForProcess(this.#options);
      this.#next();
    });
  }

  #refusal(user: string | undefined): AlcoveError | null {
    const { queueMax, readersMax, runtime } = this.#options;
    const isFree =
      [...this.#processes].some(({ state }) => state === 'free') && this.#turns.mayEnter({ user, priority: 'normal' }, readersMax);
    const isBusy = !isFree && this.#waiting.size >= queueMax + this.#startable();
    if (isBusy) return unavailable(`all ${readersMax} reader processes are busy and ${this.#waiting.size} reads wait`, 'readQueueMax');
    if (this.#processes.size > 0 || runtime.monotonicMs() >= this.#startNotBeforeMs) return null;
    return unavailable('reader processes cannot be started');
  }

  /** Reads that wait for a process that is starting, or may start, wait for no other read. */
  #startable(): number {
    const starting = [...this.#processes].filter(({ state }) => state === 'starting').length;
    return starting + this.#options.readersMax - this.#processes.size;
  }

  #next(): void {
    for (let read = this.#first(); read !== undefined; read = this.#first()) {
      const process = this.#freeFor(read);
      if (process === undefined) break;
      this.#waiting.delete(read);
      this.#turns.entered(read.user);
      read.giveTo(process);
    }
    this.#start();
  }

  #first(): PendingRead | undefined {
    const ready = [...this.#waiting].filter(({ job }) => job === null || !this.#heldOff.has(job.path));
    return this.#turns.next(ready, this.#options.readersMax);
  }

  /** One that has the file open, if there is; else the one that is longest there, so that the others may end. */
  #freeFor({ job }: PendingRead): ReaderProcess | undefined {
    const free = [...this.#processes].filter(({ state }) => state === 'free');
    return free.find((process) => process.knows(job?.path)) ?? free[0];
  }

  #start(): void {
    const { readersMax, runtime } = this.#options;
    let starting = [...this.#processes].filter(({ state }) => state === 'starting').length;
    while (starting < this.#waiting.size && this.#processes.size < readersMax && runtime.monotonicMs() >= this.#startNotBeforeMs) {
      this.#startOne();
      starting += 1;
    }
  }

  #startOne(): void {
    const process: ReaderProcess = new ReaderProcess(this.#options, {
      free: () => {
        for (const look of this.#looks) look();
        this.#next();
      },
      ended: (hasServed) => {
        this.#processes.delete(process);
        for (const look of this.#looks) look();
        if (!hasServed && !this.#closed) this.#startFailed();
        this.#next();
      },
    });
    this.#processes.add(process);
  }

  #startFailed(): void {
    const { runtime } = this.#options;
    this.#startNotBeforeMs = runtime.monotonicMs() + START_RETRY_MS;
    runtime.log.error('a reader process could not be started', { retryMs: START_RETRY_MS });
    if (this.#processes.size > 0) return;
    for (const read of this.#waiting) read.failed(unavailable('reader processes cannot be started'));
  }
}

interface ReadPorts {
  resolve(answer: ReaderAnswer): void;
  reject(error: AlcoveError): void;
  /** Once, before either. */
  settled(hadProcess: boolean): void;
}

/** A read from the call to its answer: first it waits for a process, then for what the process says. */
class PendingRead implements ReaderRun {
  readonly job: ReaderJob;
  readonly user: string | undefined;
  readonly priority = 'normal';
  readonly timeoutMs: number;
  readonly #signal: EndSignal;
  readonly #ports: ReadPorts;
  #timer: Timer | null = null;
  #process: ReaderProcess | null = null;

  constructor(job: ReaderJob, user: string | undefined, timeoutMs: number, signal: EndSignal, ports: ReadPorts) {
    this.job = job;
    this.user = user;
    this.timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#ports = ports;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  waitForProcess({ runtime, queueTimeoutMs, meter }: Pick<ReaderPoolOptions, 'runtime' | 'queueTimeoutMs' | 'meter'>): void {
    this.#timer = runtime.setTimer(queueTimeoutMs, () => {
      const error = unavailable(`no reader process was free within ${queueTimeoutMs} ms`, 'readQueueTimeoutMs');
      meter?.saw(error);
      this.failed(error);
    });
  }

  giveTo(process: ReaderProcess): void {
    this.#timer?.cancel();
    this.#process = process;
    process.run(this);
  }

  done(answer: ReaderAnswer): void {
    this.#settle();
    this.#ports.resolve(answer);
  }

  failed(error: AlcoveError): void {
    this.#settle();
    this.#ports.reject(error);
  }

  readonly #abort = (): void => {
    this.#process?.abandon(this);
    this.failed(abandoned());
  };

  #settle(): void {
    this.#timer?.cancel();
    this.#signal.removeEventListener('abort', this.#abort);
    this.#ports.settled(this.#process !== null);
  }
}

/** @param limit Where there is too much to do: others may have room, and this one is well. */
const unavailable = (message: string, limit?: string): AlcoveError =>
  new AlcoveError('replica_unavailable', message, { retryAfterMs: RETRY_AFTER_MS, ...(limit === undefined ? {} : { limit }) });
const abandoned = (): AlcoveError => new AlcoveError('closed', 'nobody waits for the read any more');

function packageLoads(): boolean {
  try {
    const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as typeof import('@photostructure/sqlite'); // what its types say
    new DatabaseSync(':memory:').close();
    return true;
  } catch {
    return false;
  }
}
