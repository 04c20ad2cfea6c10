import { Worker } from 'node:worker_threads';
import { WATCHED, type WatchOrders } from './reader-job.ts';

/** The parent ends a read at its time; where it cannot (it was killed, or stands still) the process ends itself so much later. */
const LATE_MS = 1_000;

const fromSource = import.meta.url.endsWith('.ts');
const threadUrl = new URL(fromSource ? './reader-watch-thread.ts' : './reader-watch-thread.js', import.meta.url);

const startThread = (): Worker => {
  if (!fromSource) return new Worker(threadUrl);
  // On Node 20 tsx does not reach into threads by itself.
  const tsx = import.meta.resolve('tsx/esm/api');
  return new Worker(`import('${tsx}').then(({ register }) => { register(); return import('${threadUrl.href}'); })`, { eval: true });
};

/**
 * A second thread that looks at the process while a statement holds the first: at its memory, for this build of SQLite enforces no bound of its own, and at the time. It
 * ends the process, which alone ends a native statement.
 */
export class ReaderWatch {
  readonly #shared = new Int32Array(new SharedArrayBuffer(4 * Object.keys(WATCHED).length));
  readonly #beganMs = performance.timeOrigin + performance.now();
  readonly #spentKb: number;

  /** @param heapBytesMax Over what the process holds now. */
  private constructor(heapBytesMax: number) {
    const nowKb = Math.ceil(process.memoryUsage.rss() / 1024);
    const ownKb = Math.ceil(heapBytesMax / 1024);
    this.#shared[WATCHED.memoryKbMax] = nowKb + ownKb;
    // What is freed does not all go back to the system: the next read is to have at least half.
    this.#spentKb = nowKb + ownKb / 2;
  }

  /** Resolves when the thread looks. It ends with the process, and the process with it. */
  static async start(heapBytesMax: number): Promise<ReaderWatch> {
    const thread = await new Promise<Worker>((resolve, reject) => {
      const made = startThread();
      made.once('message', () => resolve(made));
      made.once('error', reject);
    });
    const watch = new ReaderWatch(heapBytesMax);
    const orders: WatchOrders = { shared: watch.#shared, beganMs: watch.#beganMs };
    thread.on('exit', () => process.exit(1));
    thread.postMessage(orders);
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
}
