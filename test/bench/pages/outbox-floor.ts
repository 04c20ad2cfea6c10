import { pendingCall } from '../pending-calls.ts';
import { offer } from './bench-page.ts';
import { memoryBytes } from './memory-bytes.ts';
import { type OutboxStart, type RawOutboxAnswer, type RawOutboxRequest, SLICE } from './outbox-start.ts';
import { inSlices, StallMeter } from './stall-meter.ts';

const meter = new StallMeter();
const { rows, calls, isAway } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as OutboxStart; // the bench wrote it
const worker = new Worker(new URL('./outbox-floor.worker.ts', import.meta.url), { type: 'module' });
const tell = (request: RawOutboxRequest): void => worker.postMessage(request);
const when = (isIt: (said: RawOutboxAnswer) => boolean): Promise<number> =>
  new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data: said }: MessageEvent<RawOutboxAnswer>) => {
      if (isIt(said)) resolve(performance.now());
    });
    worker.addEventListener('error', ({ message }) => reject(new TypeError(message)));
  });

const shown = when((said) => said.type === 'shown' && said.rows === calls);
if (isAway) tell({ type: 'restore' });

offer({
  ready: async () => {
    const made = when(({ type }) => type === 'made');
    tell({ type: 'make', rows });
    await made;
  },
  fill: async () => {
    const startMs = performance.now();
    const kept = when((said) => said.type === 'kept' && said.calls === calls);
    await inSlices(calls / SLICE, 1, (slice) => {
      const first = slice * SLICE;
      tell({ type: 'keep', first, calls: Array.from({ length: SLICE }, (_, index) => pendingCall(first + index, rows)) });
    });
    return (await kept) - startMs;
  },
  restored: () => shown,
  push: () => Promise.reject(new TypeError('the floor pushes nothing')),
  longestStallMs: () => Promise.resolve(meter.longestMs),
  memoryBytes,
});
