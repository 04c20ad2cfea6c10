import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { EngineRead, ServerRows } from '../sync/server-read.ts';
import type { EnginePort } from '../worker/engine-port.ts';
import type { TrackedMutation } from './mutation-handle.ts';
import type { Readable } from './observable.ts';

export interface PageReadsOptions {
  readonly runtime: Runtime;
  /** What an engine gives a read on top of its `waitMs`. */
  readonly timeoutMs: number;
  /** Null while there is no engine; the next one is told of by `attach`. */
  port(): EnginePort | null;
  readonly mutations: {
    readonly untaken: readonly Pick<TrackedMutation, 'status'>[];
    readonly pending: Pick<Readable<unknown>, 'subscribe'>;
  };
}

interface PageRead {
  readonly call: number;
  readonly read: EngineRead;
  /** Called before it, and not known to be with an engine: it is not asked before they are. */
  untaken: readonly Pick<TrackedMutation, 'status'>[];
  /** The engine that was asked. */
  port: EnginePort | null;
  resolve(rows: ServerRows): void;
  reject(error: AlcoveError): void;
}

/** An engine keeps its own time; one that is still on its way, or was replaced, has this much more. */
const ENGINE_GRACE_MS = 5_000;

/** The reads on the server that this page waits for. They outlive a worker: the next one asks again. */
export class PageReads {
  readonly #options: PageReadsOptions;
  readonly #open = new Map<number, PageRead>();
  #lastCall = 0;
  /** While something waits for mutations to be taken. */
  #stopListening: (() => void) | null = null;
  /** Why no engine will ask anything; null: one may. */
  #obstacle: AlcoveError | null = null;

  constructor(options: PageReadsOptions) {
    this.#options = options;
  }

  /** Rejects as the engine does; with `closed` where `signal` is aborted; with `worker_deadline` where no engine had anything to say in all its time. */
  async read(read: EngineRead, signal?: AbortSignal): Promise<ServerRows> {
    if (signal?.aborted === true) throw aborted(signal);
    if (this.#obstacle !== null) throw this.#obstacle;
    const call = ++this.#lastCall;
    let deadline: Timer | null = null;
    const abort = (): void => this.#giveUp(call, aborted(signal));
    try {
      return await new Promise<ServerRows>((resolve, reject) => {
        const untaken = read.at === null ? this.#options.mutations.untaken : [];
        this.#open.set(call, { call, read, untaken, port: null, resolve, reject });
        signal?.addEventListener('abort', abort);
        deadline = this.#deadline(call, read.waitMs + this.#options.timeoutMs + ENGINE_GRACE_MS);
        this.#askAll();
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      (deadline as Timer | null)?.cancel(); // set in the executor, which the compiler does not follow
      this.#open.delete(call);
      this.#listen();
    }
  }

  #deadline(call: number, ms: number): Timer {
    return this.#options.runtime.setTimer(ms, () =>
      this.#giveUp(call, new AlcoveError('worker_deadline', `a read on the server was not answered within ${ms} ms: no worker got to it`)),
    );
  }

  #giveUp(call: number, error: AlcoveError): void {
    const open = this.#open.get(call);
    open?.port?.tell({ type: 'endServerRead', call });
    open?.reject(error);
  }

  /** A new engine is there: what the one before did not answer is asked again. */
  attach(): void {
    this.#obstacle = null;
    for (const open of this.#open.values()) open.port = null;
    this.#askAll();
  }

  /** No engine can be had, or the room is closed: all that waits fails, and so does what comes, until one is attached. */
  fail(error: AlcoveError): void {
    this.#obstacle = error;
    for (const { reject } of this.#open.values()) reject(error);
  }

  #askAll(): void {
    for (const open of this.#open.values()) if (open.port === null) this.#ask(open);
    this.#listen();
  }

  #ask(open: PageRead): void {
    const port = this.#options.port();
    if (port === null || isHeld(open)) return;
    open.untaken = [];
    open.port = port;
    port.serverRead(open.call, open.read).then(open.resolve, (cause: unknown) => {
      const error = AlcoveError.from(cause);
      // Where that engine is gone the next one is asked.
      if (open.port === port && this.#options.port() === port && error.code !== 'worker_failed') open.reject(error);
    });
  }

  #listen(): void {
    const isWaiting = [...this.#open.values()].some((open) => open.port === null && isHeld(open));
    if (isWaiting === (this.#stopListening !== null)) return;
    if (isWaiting) this.#stopListening = this.#options.mutations.pending.subscribe(() => this.#askAll());
    else {
      this.#stopListening?.();
      this.#stopListening = null;
    }
  }
}

const aborted = (signal: AbortSignal | undefined): AlcoveError =>
  new AlcoveError('closed', 'the read was aborted by whoever asked', { cause: signal?.reason });

const isHeld = ({ untaken }: PageRead): boolean => untaken.some(({ status }) => status === 'waiting');
