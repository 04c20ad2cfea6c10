import type {} from '../../../../test/browser/global-setup.ts';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { silentLogger } from '@alcove/core/runtime/logger';
import { notebook } from '../../../../test/browser/worker-room.ts';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { createBrowserRuntime } from './browser-runtime.ts';
import { browserIdb } from './browser-storage.ts';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

const appWorker = () => new Worker(new URL('../../../../test/browser/notebook.worker.ts', import.meta.url), { type: 'module' });

/** A tab, as far as storage and locks know one. */
function open(worker: () => Worker = appWorker) {
  let started = 0;
  const client = createClient({
    url: inject('serverUrl'),
    workerBudgetMs: 500,
    worker: () => {
      started += 1;
      return worker();
    },
  });
  clients.push(client);
  return { client, started: () => started };
}
function openOffline(roomId: string) {
  const { client, started } = open();
  const room = client.prepare(notebook, roomId);
  room.disconnect();
  room.retain();
  return { client, room, started };
}
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });
const count = sql<{ n: number }>`select count(*) as n from notes`;

/** The room with one row, on this browser's disk. */
async function keep(roomId: string): Promise<void> {
  const { client } = open();
  const room = client.room(notebook, roomId);
  await room.mutate.add({ id: 'a', size: 1 }).confirmed;
  await until(() => expect(room.status.getSnapshot().storage).toBe('saved'));
  client.close();
}

/** What a tab that is dead had pending. */
async function leavePending(roomId: string, clientId: string, name: 'loop' | 'grind'): Promise<void> {
  const storage = browserIdb(createBrowserRuntime({ log: silentLogger }));
  const disk = await storage.open({ server: inject('serverUrl'), user: null, roomName: 'notebook', roomId });
  const client = { clientId, lastMutationId: 1, confirmed: 0, confirmedAt: null, welcomed: null, seenAtMs: 1 };
  const seed = 'AAAAAAAAAAAAAAAAAAAAAA';
  await disk.enqueue(client, [{ clientId, mutationId: 1, name, args: {}, seed, nowMs: 1, schemaId: notebook.model.schemaId }]);
  disk.close();
}

describe('a mutation without end on the disk', () => {
  it.each(['loop', 'grind'] as const)(
    '[WK-50] of a dead tab (%s) costs one worker offline; the room is shown and written to without it',
    async (name) => {
      const roomId = `poison-${name}`;
      await keep(roomId);
      await leavePending(roomId, 'AAAAAAAAAAAAAAAAAAAAdead', name);
      const { room, started } = openOffline(roomId);
      expect(await room.read(count)).toEqual([{ n: 1 }]);
      await room.mutate.add({ id: 'b', size: 1 }).local;
      expect(await room.read(count)).toEqual([{ n: 2 }]);
      expect(started()).toBe(2);
    },
  );

  it('[WK-50] of a dead tab costs one worker online; whoever takes it over lists it with its reason until the room has decided', async () => {
    await keep('poison-online');
    await leavePending('poison-online', 'AAAAAAAAAAAAAAAAAAAAdead', 'loop');
    const { client, started } = open();
    const room = client.prepare(notebook, 'poison-online');
    const reasons = new Set<string>();
    room.pending.subscribe(() => {
      for (const { name, error } of room.pending.getSnapshot()) reasons.add(`${name} ${error?.code ?? 'waits'}`);
    });
    room.retain();
    expect(await room.read(count)).toEqual([{ n: 1 }]);
    await until(() => expect(room.applied.getSnapshot().map(({ name }) => name)).toEqual(['loop']));
    expect([...reasons]).toEqual(['loop mutator_timeout']);
    expect(room.pending.getSnapshot()).toEqual([]);
    expect(room.rejected.getSnapshot()).toEqual([]);
    await room.mutate.add({ id: 'b', size: 1 }).confirmed;
    expect(started()).toBe(2);
  });

  it('[WK-50] taken before there were rows costs each page load one worker; what was called beside it is saved and shown', async () => {
    await keep('poison-own');
    const second = openOffline('poison-own');
    const poison = second.room.mutate.loop({});
    const innocent = second.room.mutate.add({ id: 'b', size: 1 });
    await innocent.local;
    await until(() => expect(['pending', 'failed']).toContain(poison.status));
    expect(await second.room.read(count)).toEqual([{ n: 2 }]);
    await until(() => expect(second.room.status.getSnapshot().storage).toBe('saved'));
    const known = [...second.room.pending.getSnapshot(), ...second.room.rejected.getSnapshot()];
    expect(known.find(({ name }) => name === 'loop')).toMatchObject({ error: { code: 'mutator_timeout' } });
    expect(second.started()).toBe(2);
    second.client.close();

    const third = openOffline('poison-own');
    expect(await third.room.read(count)).toEqual([{ n: 2 }]);
    expect(third.started()).toBeLessThanOrEqual(2);
  });
});

describe('a worker whose thread is held by what nobody can take off', () => {
  /** Says that this runs in the room it was opened for, and is not heard of again. */
  const held = (run: { statement: unknown; mutation: unknown }) => {
    const script = `onmessage = ({ data }) => {
      if (data.path?.[0] === 'ping') return postMessage({ id: data.id, type: 'RAW', value: undefined });
      if (data.path?.[0] !== 'open') return;
      postMessage({ alcoveRun: { handle: data.argumentList[0].value, ...${JSON.stringify(run)} } });
      for (;;);
    };`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    return () => new Worker(url);
  };

  it.each([
    ['a statement of the engine’s own', { statement: { sql: 'insert into notes select 1', params: [] }, mutation: null }, 4],
    // The first death of it is explained: from then on it should not be run.
    ['a mutation that is run although it is condemned', { statement: null, mutation: { clientId: 'x', mutationId: 1 } }, 5],
  ] as const)('[WK-51][WK-8] %s: the room has failed', async (_what, run, workers) => {
    const { client, started } = open(held(run));
    const room = client.room(notebook, 'held');
    await until(() => expect(room.status.getSnapshot()).toMatchObject({ connection: 'failed', error: { code: 'worker_deadline' } }));
    expect(started()).toBe(workers);
  });
});
