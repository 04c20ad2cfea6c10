import { Worker } from 'node:worker_threads';
import { OUTGROWN_SIGNAL } from './reader-job.ts';

/** By place in the Int32Array that the two threads of a reader process share. */
const WATCHED = {
  /** 1 while a read runs. */
  busy: 0,
  /** When the read must have ended, in ms since `beganMs`. */
  deadlineMs: 1,
  /** What the process holds, as of the last look, in KB. */
  memoryKb: 2,
  /** What it may hold. */
  memoryKbMax: 3,
} as const;

interface WatchOrders {
  readonly shared: Int32Array;
  readonly at: typeof WATCHED;
  /** In ms since 1970, which both threads count alike. */
  readonly beganMs: number;
  readonly outgrownSignal: string;
  /** Between two looks. What a statement takes meanwhile, some 20 MB at most, comes on top of the bound. */
  readonly lookMs: number;
  /** Looks after a read before it sleeps until it is woken: waking it for each short read would cost more than looking. */
  readonly idleLooks: number;
}

/** The parent ends a read at its time; where it cannot (it was killed, or stands still) the process ends itself so much later. */
const LATE_MS = 1_000;

/**
 * A second thread that looks at the process while a statement holds the first: at its memory, for this build of SQLite enforces no bound of its own, and at the time. It
 * ends the process, which alone ends a native statement.
 */
export class ReaderWatch {
  readonly #shared = new Int32Array(new SharedArrayBuffer(4 * Object.keys(WATCHED).length));
  readonly #beganMs = performance.timeOrigin + performance.now();
  #spentKb = 0;

  private constructor() {
    // made by `start`
  }

  /**
   * Resolves when the thread looks. It ends with the process, and the process with it.
   * @param heapBytesMax Over what the process holds then.
   */
  static async start(heapBytesMax: number): Promise<ReaderWatch> {
    const watch = new ReaderWatch();
    await watch.#startThread();
    const nowKb = Math.ceil(process.memoryUsage.rss() / 1024);
    const ownKb = Math.ceil(heapBytesMax / 1024);
    watch.#shared[WATCHED.memoryKbMax] = nowKb + ownKb;
    // What is freed does not all go back to the system: the next read is to have at least half.
    watch.#spentKb = nowKb + ownKb / 2;
    return watch;
  }

  begin(timeoutMs: number): void {
    const nowMs = performance.timeOrigin + performance.now() - this.#beganMs;
    Atomics.store(this.#shared, WATCHED.deadlineMs, Math.ceil(Math.min(nowMs + timeoutMs + LATE_MS, 2 ** 31 - 1)));
    Atomics.store(this.#shared, WATCHED.busy, 1);
    Atomics.notify(this.#shared, WATCHED.busy);
  }

  end(): void {
    Atomics.store(this.#shared, WATCHED.busy, 0);
  }

  /** Whether the process should take no further read. */
  get isSpent(): boolean {
    return Atomics.load(this.#shared, WATCHED.memoryKb) > this.#spentKb;
  }

  async #startThread(): Promise<void> {
    const workerData: WatchOrders = {
      shared: this.#shared,
      at: WATCHED,
      beganMs: this.#beganMs,
      outgrownSignal: OUTGROWN_SIGNAL,
      lookMs: 10,
      idleLooks: 100,
    };
    const thread = new Worker(`(${watchThread.toString()})(require('node:worker_threads').workerData)`, {
      eval: true,
      workerData,
      execArgv: [],
    });
    thread.on('exit', () => process.exit(1));
    await new Promise<void>((resolve, reject) => {
      thread.once('online', resolve);
      thread.once('error', reject);
    });
  }
}

/** Runs in the other thread by its text alone, so that it needs no file: it names nothing of this module. */
function watchThread({ shared, at, beganMs, outgrownSignal, lookMs, idleLooks }: WatchOrders): never {
  for (let idle = 0; ; ) {
    const busy = Atomics.load(shared, at.busy);
    idle = busy === 1 ? 0 : idle + 1;
    Atomics.wait(shared, at.busy, busy, idle > idleLooks ? Number.POSITIVE_INFINITY : lookMs);
    const memoryKb = Math.ceil(process.memoryUsage.rss() / 1024);
    Atomics.store(shared, at.memoryKb, memoryKb);
    if (Atomics.load(shared, at.busy) === 0) continue;
    const isOutgrown = memoryKb > Atomics.load(shared, at.memoryKbMax);
    const isLate = performance.timeOrigin + performance.now() - beganMs > Atomics.load(shared, at.deadlineMs);
    if (!isOutgrown && !isLate) continue;
    try {
      process.kill(process.pid, isOutgrown ? outgrownSignal : 'SIGKILL');
    } catch {
      // no such signal on this platform
      process.kill(process.pid, 'SIGKILL');
    }
  }
}
