import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { forkChild, hasChild } from './fork-child.ts';
import {
  OUTGROWN_SIGNAL,
  type ReaderAnswer,
  type ReaderJob,
  type ReaderReply,
  type ReaderRequest,
  type ReaderSettings,
} from './reader-job.ts';
import { withLimit } from './with-limit.ts';

/** From its start until it takes reads: about 100 ms, on a machine that is not busy. */
const START_TIMEOUT_MS = 10_000;
/**
 * What a read that nobody waits for any more is left to end by itself: most do, and a process that is killed costs the next one its start. Whoever asks and goes away, again and
 * again, so takes no more of the machine than whoever waits.
 */
const ABANDONED_MS = 250;

/** So much below the process that serves the rooms, wherever that stands: a commit goes before a read. Much lower, and reads would stand still on a machine that has other things to do. */
const READER_NICER_BY = 10;

/** A read on its way. */
export interface ReaderRun {
  /** Null: a read of nothing. */
  readonly job: ReaderJob;
  readonly timeoutMs: number;
  done(answer: ReaderAnswer): void;
  failed(error: AlcoveError): void;
}

export interface ReaderProcessPorts {
  /** It takes a read. */
  free(): void;
  /** It takes none any more. `hasServed`: it was once ready to. */
  ended(hasServed: boolean): void;
}

export interface ReaderProcessOptions extends ReaderSettings {
  readonly runtime: Runtime;
  readonly idleMs: number;
}

/** Whether this installation has what a reader process starts from; a server bundled into one file has not. */
export const hasReaderChild = (): boolean => hasChild('reader-child');

/** One child process: one read at a time, ended by SIGKILL, the only thing that stops a native statement. */
export class ReaderProcess {
  /** Resolves when it is gone from the system. */
  readonly exited: Promise<void>;
  readonly #options: ReaderProcessOptions;
  readonly #ports: ReaderProcessPorts;
  readonly #child: ChildProcess;
  /** Files it read, as long as it may have them open. */
  readonly #paths = new Set<string>();
  #state: 'starting' | 'free' | 'busy' | 'ended' = 'starting';
  #hasServed = false;
  #run: ReaderRun | null = null;
  /** The file it reads just now, whether anybody waits for it or not. */
  #reading: string | null = null;
  #jobId = 0;
  #timer: Timer;

  constructor(options: ReaderProcessOptions, ports: ReaderProcessPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#child = startChild(options);
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.#timer = options.runtime.setTimer(START_TIMEOUT_MS, () => this.end(unavailable(`it did not start within ${START_TIMEOUT_MS} ms`)));
    this.#child.on('message', (reply) => this.#replied(reply as ReaderReply)); // our own child's words
    this.#child.on('error', (cause) => this.end(unavailable(cause.message, cause)));
    this.#child.on('exit', (code, signal) => this.end(this.#deathOf(code, signal)));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get state(): 'starting' | 'free' | 'busy' | 'ended' {
    return this.#state;
  }

  isReading(path: string): boolean {
    return this.#reading === path;
  }

  /** Whether it may have the file open. */
  knows(path: string | undefined): boolean {
    return path !== undefined && this.#paths.has(path);
  }

  /** Only while it is free. */
  run(run: ReaderRun): void {
    this.#state = 'busy';
    this.#run = run;
    this.#reading = run.job?.path ?? null;
    this.#jobId += 1;
    if (run.job !== null) this.#remember(run.job.path);
    this.#setTimer(run.timeoutMs, () =>
      this.end(
        new AlcoveError('query_timeout', `the read was not done after ${run.timeoutMs} ms and was ended`, { limit: 'readTimeoutMs' }),
      ),
    );
    const request: ReaderRequest = { jobId: this.#jobId, job: run.job };
    this.#child.send(request, (error) => {
      if (error !== null) this.end(unavailable(error.message, error));
    });
  }

  /** Nobody waits for the read any more: it may end by itself within a moment, then it is ended. Nothing is told of it. */
  abandon(run: ReaderRun): void {
    if (this.#run !== run) return;
    this.#run = null;
    this.#setTimer(Math.min(ABANDONED_MS, run.timeoutMs), () => this.end(unavailable('nobody waited for the read')));
  }

  /** Idempotent. What runs fails with `error`. */
  end(error: AlcoveError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#timer.cancel();
    this.#child.kill('SIGKILL');
    const run = this.#run;
    this.#run = null;
    run?.failed(error);
    this.#ports.ended(this.#hasServed);
  }

  #replied(reply: ReaderReply): void {
    if (this.#state === 'ended') return;
    if (reply.kind === 'ready') {
      this.#hasServed = true;
      lower(this.#child);
      this.#free();
      return;
    }
    if (reply.jobId !== this.#jobId) return;
    const run = this.#run;
    this.#run = null;
    if (reply.kind === 'done') run?.done(reply.answer);
    else run?.failed(errorOf(run.job, reply.error, reply.limit));
    if (reply.isSpent) this.end(unavailable('it held on to too much memory'));
    else this.#free();
  }

  #free(): void {
    this.#state = 'free';
    this.#reading = null;
    this.#setTimer(this.#options.idleMs, () => this.end(unavailable('it had nothing to do')));
    this.#ports.free();
  }

  #setTimer(delayMs: number, fn: () => void): void {
    this.#timer.cancel();
    this.#timer = this.#options.runtime.setTimer(delayMs, fn);
  }

  #remember(path: string): void {
    if (this.#paths.size >= PATHS_MAX) this.#paths.clear();
    this.#paths.add(path);
  }

  #deathOf(code: number | null, signal: NodeJS.Signals | null): AlcoveError {
    if (signal !== OUTGROWN_SIGNAL) return unavailable(signal ?? `exit code ${code}`);
    return new AlcoveError('result_too_large', `the read took more than ${this.#options.heapBytesMax} bytes of memory and was ended`, {
      limit: 'readHeapBytesMax',
    });
  }
}

/** Beyond it what a process has open is forgotten here; another may then be asked for the same file. */
const PATHS_MAX = 64;

/** What a process cannot read while it answers is this one room's file. */
function errorOf(job: ReaderJob, body: ErrorBody, limit: string | undefined): AlcoveError {
  if (job !== null && body.code === 'replica_unavailable') return new RoomUnavailable(body.message);
  return limit === undefined ? AlcoveError.fromBody(body) : withLimit(body, limit);
}

const unavailable = (reason: string, cause?: unknown): AlcoveError =>
  new AlcoveError('replica_unavailable', `a reader process ended: ${reason}`, { cause });

/** Once it takes reads: its start is some 100 ms of a processor, for which it would wait for seconds on a machine that others keep busy, and reads with it. */
function lower({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority() + READER_NICER_BY));
    } catch {
      // gone already, or not allowed here: it runs at the ordinary priority
    }
  }
}

/** On Linux each thread has a priority of its own; elsewhere a process has one. */
function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}

const startChild = ({ heapBytesMax, valueBytesMax }: ReaderSettings): ChildProcess => {
  const settings: ReaderSettings = { heapBytesMax, valueBytesMax };
  // The collector closes what handles leave open: see ReaderHandles.
  return forkChild('reader-child', { args: [JSON.stringify(settings)], collects: true, serialization: 'advanced' });
};
