import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ScriptedEngine } from '../../../../test/fake/scripted-engine.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { Client } from '../client.ts';
import { PausableLocks } from './pausable-locks.ts';
import { type PageLocks, RoomLocks } from './room-locks.ts';

/** Locks of one browser: each has a holder and those who wait. */
class FakeLocks implements PageLocks {
  readonly #queues = new Map<string, (() => void)[]>();

  hold(name: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const grant = (): void => resolve(() => this.#leave(name, grant));
      signal.addEventListener('abort', () => {
        if (queue.indexOf(grant) > 0) queue.splice(queue.indexOf(grant), 1);
        reject(new DOMException('given up', 'AbortError'));
      });
      queue.push(grant);
      if (queue.length === 1) grant();
    });
  }

  #leave(name: string, grant: () => void): void {
    const queue = this.#queues.get(name) ?? [];
    if (queue[0] !== grant) return;
    queue.shift();
    queue[0]?.();
  }

  /** Names that somebody has or waits for. */
  get names(): string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([name]) => name);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('[WK-34] a page that is put aside has no lock and waits for none; when it is back it waits on', async () => {
  const browser = new FakeLocks();
  const [page, other] = [new PausableLocks(browser), new PausableLocks(browser)];
  const releaseOther = await other.hold('theirs', new AbortController().signal);
  await page.hold('mine', new AbortController().signal);
  let granted = 0;
  void page.hold('theirs', new AbortController().signal).then(() => (granted += 1));
  await turn();
  page.suspend();
  await turn();
  expect(browser.names).toEqual(['theirs']);
  releaseOther();
  await turn();
  expect([browser.names, granted]).toEqual([[], 0]);
  page.resume();
  await turn();
  expect([browser.names, granted]).toEqual([['theirs'], 1]);
});

it('[WK-34] what is given up while the page is put aside is not asked for again', async () => {
  const browser = new FakeLocks();
  const page = new PausableLocks(browser);
  const release = await browser.hold('theirs', new AbortController().signal);
  const abort = new AbortController();
  const asked = page.hold('theirs', abort.signal).catch(() => 'given up');
  page.suspend();
  abort.abort();
  release();
  page.resume();
  await turn();
  expect(browser.names).toEqual([]);
  await Promise.race([asked, turn()]);
});

it('[WK-34] what a page had when it was put aside is another’s until that one gives it back', async () => {
  const browser = new FakeLocks();
  const locks = new PausableLocks(browser);
  const told: string[] = [];
  const page = new RoomLocks(locks, (clientId) => told.push(`page ${clientId}`));
  page.others(['dead']);
  await turn();
  page.letGo();
  locks.suspend();
  const other = new RoomLocks(browser, (clientId) => told.push(`other ${clientId}`));
  other.others(['dead']);
  await turn();
  locks.resume();
  page.others(['dead']);
  await turn();
  expect(told).toEqual(['page dead', 'other dead']);
  other.close();
  await turn();
  expect(told.slice(2)).toEqual(['page dead']);
});

/** A page with a room; `before`: the client it is at first. */
async function pageInRoom() {
  const engine = new ScriptedEngine();
  const locks = new FakeLocks();
  const client = new Client({ url: 'ws://room' }, { runtime: new FakeRuntime(), host: engine, locks });
  const room = client.room(tripRoom, 'japan');
  await turn();
  return { engine, locks, client, room, before: room.clientId };
}

it('[WK-34] rooms leave with nothing pending and come back as a client of their own; with something pending they stay', async () => {
  const { engine, locks, client, room, before } = await pageInRoom();
  const mutation = room.mutate.nothing();
  await turn();
  client.suspend();
  expect(client.hidden.getSnapshot()).toBe(true);
  expect([engine.ordered('leave'), engine.isOpen]).toEqual([[], true]);
  expect(locks.names).toEqual([`alcove client ${before}`]);
  client.resume();
  expect(client.hidden.getSnapshot()).toBe(false);

  engine.say({ type: 'settled', clientId: before, mutationId: 1, outcome: 'applied', version: 5, error: null });
  await mutation.confirmed;
  client.suspend();
  // Not a turn later: the browser may stop the page here.
  expect(engine.isOpen).toBe(false);
  await turn();
  expect(engine.ordered('leave')).toHaveLength(1);
  expect(locks.names).toEqual([]);
  const waiting = room.mutate.nothing();
  expect(waiting.status).toBe('waiting');

  client.resume();
  await turn();
  expect(room.clientId).not.toBe(before);
  expect(locks.names).toEqual([`alcove client ${room.clientId}`]);
  expect(engine.requests.at(-1)).toMatchObject({ clientId: room.clientId, life: 1, clients: [], mutations: [] });
  await turn();
  expect(waiting.status).toBe('pending');
  client.close();
  await turn();
  expect(locks.names).toEqual([]);
});

it('[WK-34] a room that is begun after its page was put aside is opened once', async () => {
  const engine = new ScriptedEngine();
  const client = new Client({ url: 'ws://room' }, { runtime: new FakeRuntime(), host: engine });
  client.room(tripRoom, 'japan');
  client.suspend();
  client.room(tripRoom, 'norway');
  client.resume();
  expect(engine.requests.map(({ roomId }) => roomId)).toEqual(['japan', 'norway', 'japan']);
  client.close();
});

it('[WK-34] what an app asks of a room while its page is put aside waits until it is back, as another client', async () => {
  const { engine, locks, client, room, before } = await pageInRoom();
  room.disconnect();
  client.suspend();
  room.reconnect();
  await turn();
  expect([engine.requests.length, locks.names]).toEqual([1, []]);
  client.resume();
  await turn();
  expect(room.clientId).not.toBe(before);
  expect(engine.requests.map(({ clientId, life }) => [clientId, life])).toEqual([
    [before, 1],
    [room.clientId, 1],
  ]);
  expect(engine.ordered('start').at(-1)).toMatchObject({ connect: true });
  expect(locks.names).toEqual([`alcove client ${room.clientId}`]);
  client.close();
});
