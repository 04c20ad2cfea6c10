import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { dials } from './bench-room.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, reportOf } from './measure.ts';
import { startServer } from './start-server.ts';

const TOKEN = 'an-admin-token-of-this-bench';
const UPDATES_PER_SECOND = 60;
const UPDATES = 60 * UPDATES_PER_SECOND;
const DEADLINE_MS = 30_000;

/** What a slider that is moved without a pause writes, beside the same moves as mutations. One run: it takes a minute, both at the same time. */
export const debounceBench: Bench = {
  name: 'debounce',
  async run({ say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), token: TOKEN });
    const mover = createClient({ url: server.url, rooms: [dials] });
    const other = createClient({ url: server.url, rooms: [dials] });
    try {
      const [value, mutation] = [mover.room(dials, 'value'), mover.room(dials, 'mutation')];
      const seen = other.room(dials, 'value').value('dial');
      const unlisten = seen.subscribe(() => undefined);
      await mutation.mutate.set({ id: 'dial', at: 0 }).confirmed;
      await value.mutate.set({ id: 'other', at: 0 }).confirmed;
      const before = await versionsOf(server.url);
      say(`${UPDATES} updates, ${UPDATES_PER_SECOND} a second`);
      const dial = value.value('dial');
      let last: Promise<unknown> = Promise.resolve();
      await paced((at) => {
        dial.set(at);
        last = mutation.mutate.set({ id: 'dial', at }).confirmed;
      });
      await last;
      dial.flush();
      await withDeadline(
        'the last value in another tab',
        DEADLINE_MS,
        until(() => seen.getSnapshot().value === UPDATES),
      );
      const after = await versionsOf(server.url);
      unlisten();
      const written = (room: string): number => (after.get(room) ?? 0) - (before.get(room) ?? 0);
      const what = `${UPDATES} updates of one value at ${UPDATES_PER_SECOND} a second by one tab, as the room writes them`;
      const pair = { ours: written('value'), floor: written('mutation') };
      return [
        figureOf({ name: 'debounce', unit: 'commits', what: `${what}; floor: the same updates as mutations` }, [pair]),
        reportOf({ name: 'debounce-saved', unit: '% of updates', what: `that cost no write: ${what}` }, [100 * (1 - pair.ours / UPDATES)]),
      ];
    } finally {
      mover.close();
      other.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

/** Calls for each update when it is due. */
function paced(update: (nth: number) => void): Promise<void> {
  const startMs = performance.now();
  let done = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(UPDATES, Math.floor(((performance.now() - startMs) / 1_000) * UPDATES_PER_SECOND) + 1);
      while (done < due) update((done += 1));
      if (done < UPDATES) return;
      clearInterval(timer);
      resolve();
    }, 1_000 / UPDATES_PER_SECOND);
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Versions of the open rooms of `dials`, by id. */
async function versionsOf(url: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url.replace(/^ws/, 'http')}/status`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const { rooms } = (await response.json()) as { rooms: { room: string; id: string; version: number }[] }; // the server's own words
  return new Map(rooms.filter(({ room }) => room === dials.name).map(({ id, version }) => [id, version]));
}
