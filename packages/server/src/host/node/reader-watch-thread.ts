/** The second thread of a reader process: see `ReaderWatch`. */
import { parentPort } from 'node:worker_threads';
import { OUTGROWN_SIGNAL, WATCHED, type WatchOrders } from './reader-job.ts';

/** Between two looks. What a statement takes meanwhile, some 20 MB at most, comes on top of the bound. */
const LOOK_MS = 10;
/** Looks after a read before it sleeps until it is woken: waking it for each short read would cost more than looking. */
const IDLE_LOOKS = 100;

function endProcess(signal: NodeJS.Signals): void {
  try {
    process.kill(process.pid, signal);
  } catch {
    // no such signal on this platform
    process.kill(process.pid, 'SIGKILL');
  }
}

function look({ shared, beganMs }: WatchOrders): void {
  const memoryKb = Math.ceil(process.memoryUsage.rss() / 1024);
  Atomics.store(shared, WATCHED.memoryKb, memoryKb);
  if (Atomics.load(shared, WATCHED.busy) === 0) return;
  if (memoryKb > Atomics.load(shared, WATCHED.memoryKbMax)) endProcess(OUTGROWN_SIGNAL);
  const nowMs = performance.timeOrigin + performance.now() - beganMs;
  if (nowMs > Atomics.load(shared, WATCHED.deadlineMs)) endProcess('SIGKILL');
}

function watch(orders: WatchOrders): never {
  let idleLooks = 0;
  for (;;) {
    const busy = Atomics.load(orders.shared, WATCHED.busy);
    idleLooks = busy === 1 ? 0 : idleLooks + 1;
    Atomics.wait(orders.shared, WATCHED.busy, busy, idleLooks > IDLE_LOOKS ? Number.POSITIVE_INFINITY : LOOK_MS);
    look(orders);
  }
}

parentPort?.once('message', watch);
parentPort?.postMessage('looks');
