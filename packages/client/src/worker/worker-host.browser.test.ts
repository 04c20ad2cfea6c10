import type {} from '../../../../test/browser/global-setup.ts';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { notebook, otherNotebook } from '../../../../test/browser/worker-room.ts';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

let roomNumber = 0;

function open(options: { workerBudgetMs?: number; worker?: () => Worker } = {}) {
  let started = 0;
  let outdated = 0;
  const makeWorker =
    options.worker ?? (() => new Worker(new URL('../../../../test/browser/notebook.worker.ts', import.meta.url), { type: 'module' }));
  const client = createClient({
    url: inject('serverUrl'),
    workerBudgetMs: options.workerBudgetMs ?? 1_000,
    onOutdated: () => void (outdated += 1),
    worker: () => {
      started += 1;
      return makeWorker();
    },
  });
  clients.push(client);
  const roomId = `room-${(roomNumber += 1)}`;
  const room = client.room(notebook, roomId);
  return { client, room, roomId, started: () => started, outdated: () => outdated };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });
const endless = sql<{ n: number }>`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n`;
const count = sql<{ n: number }>`select count(*) as n from notes`;

describe('a real worker in a real browser', () => {
  it('[WK-7] errors of the worker keep code and message', async () => {
    const { room } = open();
    await expect(room.read(sql`select * from nowhere`)).rejects.toMatchObject({
      name: 'AlcoveError',
      code: 'sql_failed',
      message: expect.stringContaining('nowhere'),
    });
    const added = room.mutate.add({ id: 'a', size: 1 });
    await added.confirmed;
    await expect(room.mutate.add({ id: 'a', size: 2 }).local).rejects.toMatchObject({ code: 'constraint_failed', retryable: false });
    // A validator's own words, from the other side of the wall.
    await expect(room.mutate.add({ id: 'b', size: 'large' } as unknown as { id: string; size: number }).local).rejects.toMatchObject({
      code: 'arguments_invalid',
    });
  });

  it('[EP-7] a state that cannot cross to the worker is refused like any other, and taken back', async () => {
    const { room } = open();
    const unhandled: unknown[] = [];
    const hear = (event: PromiseRejectionEvent): void => void unhandled.push(event.reason);
    window.addEventListener('unhandledrejection', hear);
    room.presence.set({ name: () => 'Ada' } as never);
    await until(() => expect(room.presence.mine.getSnapshot()).toBeNull());
    window.removeEventListener('unhandledrejection', hear);
    expect(unhandled).toEqual([]);
  });

  it('[WK-3][WK-2] a query without end is ended with its worker; the rest comes back and goes on', async () => {
    const { room, started } = open();
    const live = room.query(count);
    const stop = live.subscribe(() => undefined);
    await room.mutate.add({ id: 'a', size: 1 }).confirmed;
    await until(() => expect(live.getSnapshot().data).toEqual([{ n: 1 }]));

    const pending = room.mutate.add({ id: 'b', size: 2 });
    await expect(room.read(endless)).rejects.toMatchObject({ code: 'query_timeout' });
    await pending.confirmed;
    await until(() => expect(live.getSnapshot()).toMatchObject({ status: 'current', data: [{ n: 2 }] }));
    expect(started()).toBe(2);
    stop();
  });

  it('[WK-3] a live query without end shows its code and is not run again', async () => {
    const { room, started } = open();
    await room.read(count);
    const live = room.query(endless);
    const stop = live.subscribe(() => undefined);
    await until(() => expect(live.getSnapshot()).toMatchObject({ status: 'error', error: { code: 'query_timeout' } }));
    expect(await room.read(count)).toEqual([{ n: 0 }]);
    expect(started()).toBe(2);
    stop();
  });

  it.each(['loop', 'grind'] as const)('[WK-3] a mutator without end (%s) fails alone', async (name) => {
    const { room } = open();
    await room.mutate.add({ id: 'a', size: 1 }).confirmed;
    const before = room.mutate.add({ id: 'b', size: 1 });
    const endlessOne = room.mutate[name]({});
    const after = room.mutate.add({ id: 'c', size: 1 });
    await expect(endlessOne.local).rejects.toMatchObject({ code: 'mutator_timeout' });
    await before.confirmed;
    await after.confirmed;
    expect(await room.read(count)).toEqual([{ n: 3 }]);
  });

  it('[WK-3] a room in the same worker is not blamed for what another room ran', async () => {
    const { client, room, roomId } = open();
    const other = client.room(notebook, `${roomId}-other`);
    await Promise.all([room.read(count), other.read(count)]);
    const culprit = room.read(endless);
    const innocent = other.mutate.add({ id: 'x', size: 1 });
    await expect(culprit).rejects.toMatchObject({ code: 'query_timeout' });
    await innocent.confirmed;
    expect(await other.read(count)).toEqual([{ n: 1 }]);
  });

  it('[WK-6][WK-31] a page of another build is told so, and may load itself again', async () => {
    sessionStorage.clear();
    const { client, outdated } = open();
    const room = client.room(otherNotebook, 'another-build');
    await until(() => expect(room.status.getSnapshot()).toMatchObject({ connection: 'failed', error: { code: 'update_needed' } }));
    expect(outdated()).toBe(1);
    client.room(otherNotebook, 'another-build-too');
    await until(() => expect(client.room(otherNotebook, 'another-build-too').status.getSnapshot().connection).toBe('failed'));
    expect(outdated()).toBe(1);
  });

  it('[WK-8] a worker whose script does not load is not started for ever', async () => {
    const { room, started } = open({ worker: () => new Worker('/no-such-worker.js', { type: 'module' }) });
    await until(() => expect(room.status.getSnapshot()).toMatchObject({ connection: 'failed', error: { code: 'worker_failed' } }));
    expect(started()).toBeLessThanOrEqual(5);
  });

  it('closing a room ends its queries and answers; the worker goes on for the others', async () => {
    const { client, room, roomId } = open();
    const other = client.room(notebook, `${roomId}-stays`);
    await Promise.all([room.read(count), other.read(count)]);
    room.close();
    await expect(room.read(count)).rejects.toMatchObject({ code: 'closed' });
    expect(room.status.getSnapshot().connection).toBe('closed');
    expect(await other.read(count)).toEqual([{ n: 0 }]);
    expect(client.room(notebook, roomId)).not.toBe(room);
  });

  it('[WK-33] a worker that dies twice for no known reason is followed by ones that are told to save memory', async () => {
    const said: unknown[] = [];
    const heard = new BroadcastChannel('alcove test of frugal workers');
    heard.onmessage = ({ data: isFrugal }) => void said.push(isFrugal);
    const script = `const channel = new BroadcastChannel(${JSON.stringify(heard.name)});
      onmessage = ({ data }) => {
        const request = data.argumentList?.[1]?.value;
        if (request?.roomName === undefined) return;
        channel.postMessage(request.isFrugal);
        setTimeout(() => { throw new RangeError('Array buffer allocation failed'); }, 50);
      };`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const { room } = open({ worker: () => new Worker(url) });
    await until(() => expect(room.status.getSnapshot().connection).toBe('failed'));
    await until(() => expect(said).toEqual([false, false, true, true]));
    heard.close();
    URL.revokeObjectURL(url);
  });
});
