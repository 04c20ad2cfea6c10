import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeBrowser } from '../../../../test/fake/fake-browser.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ScriptedEngine } from '../../../../test/fake/scripted-engine.ts';
import { stops, tripRoom } from '../../../../test/fake/trip-room.ts';
import { Client } from '../client.ts';
import { PlaceMarks } from '../storage/place-marks.ts';
import type { StoragePlace } from '../storage/storage.ts';
import type { DeviceKeeping } from './forget-places.ts';

const SERVER = 'ws://localhost:1/sync';
const runtime = new FakeRuntime();
const digest = async (bytes: Uint8Array): Promise<string> => createHash('sha256').update(bytes).digest('hex');
const placeIn = (roomId: string, user: string | null = 'ann'): StoragePlace => ({ server: SERVER, user, roomName: 'trip', roomId });

let browser: FakeBrowser;
let texts: Map<string, string>;
let asked: number;
let heard: unknown[];
let pausing: () => Promise<void> | undefined;
beforeEach(() => {
  pausing = () => undefined;
  browser = new FakeBrowser();
  texts = new Map();
  asked = 0;
  heard = [];
});

const storage = () => browser.disk.storage(runtime, digest);

const device = (): DeviceKeeping => ({
  storage: async () => storage(),
  openChannel: browser.openChannel,
  marks: new PlaceMarks({
    read: (key) => texts.get(key) ?? null,
    write: (key, text) => void (text === null ? texts.delete(key) : texts.set(key, text)),
    keys: () => [...texts.keys()],
  }),
  pause: async () => pausing(),
  names: async () => null,
  wasForgotten: async (groupId) => browser.disk.isForgotten(groupId),
  persist: async () => {
    asked += 1;
    return true;
  },
});

function page(user = 'ann') {
  const engine = new ScriptedEngine();
  const locks = { hold: async () => () => undefined };
  return { engine, client: new Client({ url: SERVER, user }, { runtime, host: engine, locks, device: device() }) };
}

/** What an engine would have written. */
async function keep(place: StoragePlace, ...mutationIds: number[]): Promise<void> {
  const room = await storage().open(place);
  const client = {
    clientId: 'gone',
    lastMutationId: mutationIds.at(-1) ?? 0,
    confirmed: 0,
    confirmedAt: null,
    welcomed: null,
    seenAtMs: 1,
  };
  const mutations = mutationIds.map((mutationId) => ({
    clientId: 'gone',
    mutationId,
    name: 'nothing',
    args: null,
    seed: 's',
    nowMs: 1,
    schemaId: 'one',
  }));
  if (mutationIds.length > 0) await room.enqueue(client, mutations);
  room.close();
}

/** As the next page finds it. */
async function kept(place: StoragePlace) {
  const room = await storage().open(place);
  const stored = await room.load();
  room.close();
  return { isNew: stored.isNew, pending: stored.mutations.length };
}

describe('forgetting a room', () => {
  it('[ST-51] says what would be lost, and takes nothing then', async () => {
    const { client } = page();
    await keep(placeIn('japan'), 1, 2);
    const room = client.room(tripRoom, 'japan');
    await expect(room.forget()).rejects.toMatchObject({ code: 'pending_writes', message: expect.stringContaining('2 mutations') });
    expect(room.closed).toBe(false);
    expect(await kept(placeIn('japan'))).toEqual({ isNew: false, pending: 2 });
    await room.forget({ discardPending: true });
    expect(room.closed).toBe(true);
    expect(await kept(placeIn('japan'))).toEqual({ isNew: true, pending: 0 });
    client.close();
  });

  it('[ST-51] counts what is in this page’s memory alone', async () => {
    const { client } = page();
    const room = client.room(tripRoom, 'japan');
    room.mutate.nothing();
    await expect(room.forget()).rejects.toMatchObject({ code: 'pending_writes', message: expect.stringContaining('1 mutation is') });
    expect(room.closed).toBe(false);
    client.close();
  });

  it('[ST-51] what another tab writes between the two looks is kept', async () => {
    const { client } = page();
    await keep(placeIn('japan'));
    const room = client.room(tripRoom, 'japan');
    const forgetting = room.forget();
    browser.openChannel(`alcove ${JSON.stringify([SERVER, 'ann', 'trip', 'japan'])}`, (message) => heard.push(message));
    const { close } = room;
    room.close = () => {
      close.call(room);
      void keep(placeIn('japan'), 1);
    };
    await expect(forgetting).rejects.toMatchObject({ code: 'pending_writes' });
    expect(heard.at(-1)).toEqual({ type: 'forget', keeps: true });
    expect(await kept(placeIn('japan'))).toEqual({ isNew: false, pending: 1 });
    client.close();
  });

  it('[ST-73] another tab writes what it held back until it was told, which is waited for, and stays', async () => {
    const { client } = page();
    await keep(placeIn('japan'));
    let written = Promise.resolve();
    browser.openChannel(`alcove ${JSON.stringify([SERVER, 'ann', 'trip', 'japan'])}`, (message) => {
      heard.push(message);
      if (heard.length === 2) written = keep(placeIn('japan'), 1);
    });
    pausing = () => new Promise((resolve) => setImmediate(resolve)).then(() => written);
    await expect(client.room(tripRoom, 'japan').forget()).rejects.toMatchObject({ code: 'pending_writes' });
    expect(heard).toEqual([{ type: 'hurry' }, { type: 'forget', keeps: true }]);
    expect(await kept(placeIn('japan'))).toEqual({ isNew: false, pending: 1 });
    client.close();
  });

  it('[ST-73] what this page called and the room had not decided when another tab forgot it is told to its caller, and listed', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live({ storage: { status: 'saving', error: null, unsaved: 2 } });
    const [saved, unsaved] = [room.mutate.nothing(), room.mutate.nothing()];
    await new Promise((resolve) => setImmediate(resolve));
    engine.say({ type: 'stored', clientId: room.clientId, upTo: 1 });
    await saved.local;
    engine.say({ type: 'forgotten' });
    for (const lost of [saved.confirmed, unsaved.local, unsaved.confirmed]) await expect(lost).rejects.toMatchObject({ code: 'forgotten' });
    expect(room.rejected.getSnapshot().map(({ name, status, error }) => [name, status, error?.code])).toEqual([
      ['nothing', 'unknown', 'forgotten'],
      ['nothing', 'unknown', 'forgotten'],
    ]);
    expect(room.status.getSnapshot()).toMatchObject({ connection: 'closed', pendingCount: 0, rejectedCount: 2 });
    const late = room.mutate.nothing();
    await expect(late.local).rejects.toMatchObject({ code: 'closed' });
    client.close();
  });

  it('[ST-51] a room that another tab forgets is closed here, and nothing is known of it any more', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live();
    engine.say({ type: 'forgotten' });
    expect(room.closed).toBe(true);
    expect(room.status.getSnapshot().connection).toBe('closed');
    client.close();
  });

  it('[CN-47] a room that was forgotten says that nothing is kept and nothing followed; its queries keep their rows, as cached ones', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live({ storage: { status: 'saved', error: null, unsaved: 0 } });
    const seen = room.query((db) => db.select({ id: stops.id }).from(stops));
    const end = seen.subscribe(() => undefined);
    engine.answer('stops', { update: { kind: 'whole', columns: ['id'], rows: [['a']] } });
    expect(room.status.getSnapshot()).toMatchObject({ connection: 'connected', storage: 'saved', replica: 'current', error: null });
    await room.forget();
    expect(room.status.getSnapshot()).toMatchObject({
      connection: 'closed',
      error: { code: 'closed' },
      retryAtMs: null,
      replica: 'cached',
      storage: 'off',
      storageError: null,
      unsavedCount: 0,
      sessionId: null,
    });
    expect(seen.getSnapshot()).toEqual({ data: [{ id: 'a' }], status: 'cached', error: undefined });
    end();
    client.close();
  });

  it('[ST-52] a client forgets all rooms of its user and none of another’s, all or none', async () => {
    for (const roomId of ['japan', 'peru']) await keep(placeIn(roomId), ...(roomId === 'peru' ? [1] : []));
    await keep(placeIn('japan', 'bob'), 1);
    for (const place of [placeIn('japan'), placeIn('peru'), placeIn('japan', 'bob')]) device().marks.opened(place, 'g', []);
    const { client } = page();
    await expect(client.forget()).rejects.toMatchObject({ code: 'pending_writes', message: expect.stringContaining('1 of “peru”') });
    expect(await kept(placeIn('japan'))).toMatchObject({ isNew: false });
    const room = client.room(tripRoom, 'japan');
    await client.forget({ discardPending: true });
    expect(room.closed).toBe(true);
    expect(await kept(placeIn('japan'))).toEqual({ isNew: true, pending: 0 });
    expect(await kept(placeIn('peru'))).toEqual({ isNew: true, pending: 0 });
    expect(await kept(placeIn('japan', 'bob'))).toEqual({ isNew: false, pending: 1 });
    expect(device().marks.places()).toEqual([placeIn('japan', 'bob')]);
    client.close();
  });
});

describe('what a page is told of its device', () => {
  it('[ST-50] a disk that lost what was pending is told once, until it is dismissed', async () => {
    device().marks.opened(placeIn('japan'), 'before', ['gone']);
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live();
    engine.say({ type: 'kept', groupId: 'now', clientIds: [] });
    await Promise.resolve();
    expect(room.status.getSnapshot().lostOutbox).toEqual({ why: 'emptied', atMs: runtime.nowMs() });
    room.dismissLostOutbox();
    expect(room.status.getSnapshot().lostOutbox).toBeNull();
    client.close();
    const next = page();
    const again = next.client.room(tripRoom, 'japan');
    next.engine.live();
    next.engine.say({ type: 'kept', groupId: 'now', clientIds: [] });
    await Promise.resolve();
    expect(again.status.getSnapshot().lostOutbox).toBeNull();
    next.engine.say({ type: 'restored', rejections: [], damage: [{ what: 'outbox', detail: 'id 2 is missing' }] });
    expect(again.status.getSnapshot().lostOutbox).toMatchObject({ why: 'damaged' });
    next.client.close();
  });

  it('[ST-77] a mark that a tab wrote before it had heard that its room was forgotten tells of nothing lost', async () => {
    const made = await storage().open(placeIn('japan'), 'before');
    made.close();
    await storage().remove(placeIn('japan'));
    device().marks.opened(placeIn('japan'), 'before', ['late']);
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live();
    engine.say({ type: 'kept', groupId: 'now', clientIds: [] });
    await Promise.resolve();
    expect(room.status.getSnapshot().lostOutbox).toBeNull();
    client.close();
  });

  it('[ST-53] the browser is asked to keep what is stored, and its answer is in the status', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live();
    expect(room.status.getSnapshot().storagePersisted).toBeNull();
    for (const groupId of ['one', 'two']) engine.say({ type: 'kept', groupId, clientIds: [] });
    await Promise.resolve();
    expect(room.status.getSnapshot().storagePersisted).toBe(true);
    expect(asked).toBe(1);
    client.close();
  });
});

describe('leaving the page', () => {
  it('[WK-42] loses what is not on the disk, and nothing else: the browser asks as long as there is some', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live({ storage: { status: 'saving', error: null, unsaved: 1 } });
    const call = room.mutate.nothing();
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.unsaved).toBe(1);
    engine.say({ type: 'stored', clientId: room.clientId, upTo: 1 });
    await call.local;
    expect(client.unsaved).toBe(0);
    expect(room.undecided).toBe(1);
    client.close();
  });
});

describe('what came to nothing', () => {
  it('[WK-42] is called again as a new mutation, and its line goes', async () => {
    const { client, engine } = page();
    const room = client.room(tripRoom, 'japan');
    engine.live();
    const first = room.mutate.nothing();
    await new Promise((resolve) => setImmediate(resolve));
    engine.say({
      type: 'settled',
      clientId: room.clientId,
      mutationId: 1,
      outcome: 'rejected',
      version: 2,
      error: { code: 'forbidden', message: 'not today' },
    });
    await expect(first.confirmed).rejects.toMatchObject({ code: 'forbidden' });
    const [line] = room.rejected.getSnapshot();
    expect(JSON.parse(JSON.stringify(line))).toMatchObject({
      name: 'nothing',
      args: null,
      status: 'rejected',
      error: { code: 'forbidden', message: 'not today' },
    });
    const again = room.retry(line?.key ?? -1);
    expect(room.rejected.getSnapshot()).toEqual([]);
    expect(again?.name).toBe('nothing');
    await new Promise((resolve) => setImmediate(resolve));
    expect(room.pending.getSnapshot().map(({ name }) => name)).toEqual(['nothing']);
    expect(room.retry(12_345)).toBeNull();
    client.close();
  });

  it('[CN-42] a room that was disconnected stays so, whatever opens its engine, until it is reconnected', () => {
    const { client, engine } = page();
    const room = client.prepare(tripRoom, 'japan');
    room.disconnect();
    room.start();
    expect(engine.ordered('start')).toEqual([{ type: 'start', connect: false }]);
    engine.die();
    expect(engine.ordered('start').at(-1)).toEqual({ type: 'start', connect: false });
    engine.live({ connection: 'idle' });
    expect(room.status.getSnapshot().connection).toBe('disconnected');
    room.reconnect();
    expect(engine.ordered('start').at(-1)).toEqual({ type: 'start', connect: true });
    engine.live();
    expect(room.status.getSnapshot().connection).toBe('connected');
    client.close();
  });
});
