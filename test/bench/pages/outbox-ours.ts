import { createClient } from '@alcove/client';
import { count, like } from 'drizzle-orm';
import { board, items } from '../bench-room.ts';
import { PENDING_TITLE, pendingCall } from '../pending-calls.ts';
import { offer } from './bench-page.ts';
import { memoryBytes } from './memory-bytes.ts';
import { type OutboxStart, SLICE } from './outbox-start.ts';
import { inSlices, StallMeter } from './stall-meter.ts';

const meter = new StallMeter();
const { room: roomId, rows, calls, isAway } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as OutboxStart; // the bench wrote it
const client = createClient({
  url: '/sync',
  worker: () => new Worker(new URL('./board.worker.ts', import.meta.url), { type: 'module' }),
});
const room = client.room(board, roomId);
if (isAway) room.disconnect();
/** Only a page that comes back looks at what there is. */
const shown = isAway
  ? room.query((db) =>
      db
        .select({ n: count() })
        .from(items)
        .where(like(items.title, `${PENDING_TITLE} %`)),
    )
  : null;

/** Resolves with the time since the navigation, in ms. */
const until = (isSo: () => boolean, by: Pick<typeof room.status, 'subscribe'> = room.status): Promise<number> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return;
      stop();
      resolve(performance.now());
    };
    const stop = by.subscribe(look);
    look();
  });

offer({
  ready: async () => {
    await until(() => room.status.getSnapshot().replica === 'current' && room.status.getSnapshot().storage === 'saved');
  },
  fill: async () => {
    room.disconnect();
    const startMs = performance.now();
    const kept: Promise<void>[] = [];
    await inSlices(calls, SLICE, (index) => {
      const call = pendingCall(index, rows);
      kept.push((call.name === 'add' ? room.mutate.add(call.args) : room.mutate.rename(call.args)).local);
    });
    await Promise.all(kept);
    return performance.now() - startMs;
  },
  restored: async () => {
    if (shown === null) throw new TypeError('this page is here for the first time');
    return until(() => shown.getSnapshot().data?.[0]?.n === calls, shown);
  },
  push: async () => {
    // What the page before this one left is this one's to push.
    await until(() => room.status.getSnapshot().pendingCount === calls);
    const startMs = performance.now();
    room.reconnect();
    const decidedMs = await until(() => {
      const { connection, pendingCount } = room.status.getSnapshot();
      return connection === 'connected' && pendingCount === 0;
    });
    const { rejectedCount } = room.status.getSnapshot();
    if (rejectedCount > 0) throw new TypeError(`${rejectedCount} mutations were rejected`);
    return decidedMs - startMs;
  },
  longestStallMs: () => Promise.resolve(meter.longestMs),
  memoryBytes,
});
