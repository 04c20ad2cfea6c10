import type { ChildProcess } from 'node:child_process';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { BuilderJob, BuilderReply, BuilderRequest, BuilderResult, ResultOf } from './builder-job.ts';
import { forkChild, hasChild } from './fork-child.ts';

export interface BuilderPoolOptions {
  readonly runtime: Runtime;
  /** Builder processes at once. */
  readonly buildsMax: number;
  /** A job that takes longer ends with its process. */
  readonly buildTimeoutMs: number;
  /** A process without work ends after it; starting one costs about 100 ms. */
  readonly idleMs: number;
}

interface Waiting {
  readonly job: BuilderJob;
  resolve(result: BuilderResult): void;
  reject(error: AlcoveError): void;
}

/**
 * Runs jobs in processes of their own, so that neither SQLite nor gzip ever holds up a room. A process that takes too long or dies fails its job only; what
 * it left half made is the asker's to remove. Who asks bounds how much waits here (ImageCache).
 */
export class BuilderPool {
  readonly #options: BuilderPoolOptions;
  readonly #waiting: Waiting[] = [];
  readonly #workers = new Set<BuilderProcess>();
  #closed = false;

  constructor(options: BuilderPoolOptions) {
    this.#options = options;
  }

  /** Whether this installation has what a builder process starts from; a server bundled into one file has not. */
  get available(): boolean {
    return hasChild('builder-child');
  }

  /** @throws AlcoveError `snapshot_failed`, or what the job failed with; `closed` after `close`. */
  run<Job extends BuilderJob>(job: Job): Promise<ResultOf<Job>> {
    if (this.#closed) return Promise.reject(new AlcoveError('closed', 'the server is closed'));
    return new Promise((resolve, reject) => {
      // The child answers a job with the result of its kind.
      this.#waiting.push({ job, resolve: (result) => resolve(result as ResultOf<Job>), reject });
      this.#next();
    });
  }

  /** Ends all processes; what waited or ran fails. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new AlcoveError('closed', 'the server is closed'));
    for (const worker of this.#workers) worker.end(new AlcoveError('closed', 'the server is closed'));
  }

  #next(): void {
    const free = [...this.#workers].find((worker) => worker.idle) ?? this.#start();
    if (free === null) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) free.run(waiting);
  }

  #start(): BuilderProcess | null {
    if (this.#waiting.length === 0 || this.#workers.size >= this.#options.buildsMax) return null;
    const worker = new BuilderProcess(this.#options, {
      free: () => this.#next(),
      ended: () => {
        this.#workers.delete(worker);
        this.#next();
      },
    });
    this.#workers.add(worker);
    return worker;
  }
}

interface BuilderPorts {
  free(): void;
  ended(): void;
}

/** One child process: one job at a time, ended by SIGKILL, the only thing that stops a native statement. */
class BuilderProcess {
  readonly #options: BuilderPoolOptions;
  readonly #ports: BuilderPorts;
  readonly #child: ChildProcess;
  #current: Waiting | null = null;
  #jobId = 0;
  #timer: Timer | null = null;
  #ended = false;

  constructor(options: BuilderPoolOptions, ports: BuilderPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#child = startChild();
    this.#child.on('message', (reply) => this.#replied(reply as BuilderReply)); // our own child's words
    this.#child.on('error', (cause) =>
      this.end(new AlcoveError('snapshot_failed', `the builder process cannot be started: ${cause.message}`, { cause })),
    );
    this.#child.on('exit', (code, signal) =>
      this.end(new AlcoveError('snapshot_failed', `the builder process ended: ${signal ?? `exit code ${code}`}`)),
    );
  }

  get idle(): boolean {
    return this.#current === null && !this.#ended;
  }

  run(waiting: Waiting): void {
    this.#timer?.cancel();
    this.#current = waiting;
    this.#jobId += 1;
    const { buildTimeoutMs, runtime } = this.#options;
    this.#timer = runtime.setTimer(buildTimeoutMs, () =>
      this.end(new AlcoveError('snapshot_failed', `the builder was not done after ${buildTimeoutMs} ms`)),
    );
    const request: BuilderRequest = { jobId: this.#jobId, job: waiting.job };
    this.#child.send(request, (error) => {
      if (error !== null)
        this.end(new AlcoveError('snapshot_failed', `the builder process does not listen: ${error.message}`, { cause: error }));
    });
  }

  /** Idempotent. */
  end(error: AlcoveError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#child.kill('SIGKILL');
    this.#current?.reject(error);
    this.#current = null;
    this.#ports.ended();
  }

  #replied(reply: BuilderReply): void {
    const current = this.#current;
    if (current === null || reply.jobId !== this.#jobId) return;
    this.#timer?.cancel();
    this.#current = null;
    this.#timer = this.#options.runtime.setTimer(this.#options.idleMs, () => this.end(new AlcoveError('closed', 'nothing more to build')));
    if ('result' in reply) current.resolve(reply.result);
    else current.reject(AlcoveError.fromBody(reply.error));
    this.#ports.free();
  }
}

const startChild = (): ChildProcess => forkChild('builder-child', { serialization: 'json' });
