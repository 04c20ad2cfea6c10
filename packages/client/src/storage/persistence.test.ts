import { AlcoveError } from '@alcove/core/error';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { describe, expect, it, vi } from 'vitest';
import { FakeBrowserDisk } from '../../../../test/fake/fake-disk.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { clientOf, commitFrom, mutationOf, newPlace, positionAt } from '../../../../test/contract/storage-samples.ts';
import { Persistence } from './persistence.ts';
import type { StoredImage } from './storage.ts';
import { NO_PATIENCE } from './write-queue.ts';
import { eventually } from '../../../../test/fake/eventually.ts';

function imageAt(version: number, length = 1000): StoredImage {
  const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + version) & 255);
  return { position: positionAt(version), bytes, sha256: bytesToHex(sha256(bytes)) };
}

function world() {
  const disk = new FakeBrowserDisk();
  const runtime = new FakeRuntime();
  const place = newPlace();
  const storage = disk.storage(runtime, async (bytes) => bytesToHex(sha256(bytes)));
  const doings: string[] = [];
  disk.fault = (doing) => {
    doings.push(doing);
    return null;
  };
  const patience = { now: NO_PATIENCE };
  const tab = () => {
    const stored: string[] = [];
    const states: Persistence['state'][] = [];
    const onImageWanted = vi.fn<() => void>();
    const [onReopened, onForgotten] = [vi.fn<() => void>(), vi.fn<() => void>()];
    const persistence = new Persistence({
      runtime,
      storage,
      place,
      patience: () => patience.now,
      onStored: (clientId, ids) => stored.push(`${clientId} ${Math.max(...ids)}`),
      onAdvanced: () => undefined,
      onDismissed: () => undefined,
      onState: (state) => states.push(state),
      onImageWanted,
      onReopened,
      onForgotten,
    });
    return { persistence, stored, states, onImageWanted, onReopened, onForgotten };
  };
  const becomes = (one: ReturnType<typeof tab>, state: object) =>
    eventually(() => {
      runtime.time.advance(0);
      expect(one.persistence.state).toMatchObject(state);
    });
  const saved = (one: ReturnType<typeof tab>) => becomes(one, { status: 'saved' });
  const load = async () => {
    const room = await storage.open(place);
    const loaded = await room.load();
    room.close();
    return loaded;
  };
  return { storage, disk, runtime, place, patience, doings, tab, becomes, saved, load };
}

const clientAt = (lastMutationId: number, confirmed = 0) => clientOf('a', { lastMutationId, confirmed });

describe('what a tab keeps', () => {
  it('[ST-3] says when a mutation is on the disk, and joins what came meanwhile', async () => {
    const { tab, saved, load, runtime, doings } = world();
    const one = tab();
    await one.persistence.open();
    doings.length = 0;
    for (let id = 1; id <= 40; id += 1) {
      one.persistence.enqueue(clientAt(id), mutationOf('a', id));
      if (id === 20) runtime.time.advance(0);
    }
    expect(one.persistence.state).toMatchObject({ status: 'saving', unsaved: 40 });
    await saved(one);
    expect(one.stored).toEqual(['a 20', 'a 40']);
    expect(doings).toEqual(['enqueue', 'enqueue']);
    expect((await load()).mutations).toHaveLength(40);
  });

  it('[ST-21] while the room is at hand a mutation waits, and is not written where the room decides it first', async () => {
    const { tab, saved, load, runtime, patience, doings } = world();
    patience.now = { mutationMs: 100, restMs: 500 };
    const one = tab();
    await one.persistence.open();
    doings.length = 0;
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await runtime.time.advanceAsync(60);
    one.persistence.advance('history-1', [commitFrom(0, 1)], [clientAt(1, 1)], []);
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    await runtime.time.advanceAsync(99);
    expect(doings).toEqual([]);
    await runtime.time.advanceAsync(1);
    expect(doings).toEqual(['enqueue']);
    expect(one.stored).toEqual(['a 2']);
    one.persistence.advance('history-1', [commitFrom(1, 2)], [clientAt(2, 2)], []);
    await runtime.time.advanceAsync(399);
    expect(doings).toEqual(['enqueue']);
    await runtime.time.advanceAsync(1);
    expect(doings).toEqual(['enqueue', 'advance']);
    await saved(one);
    expect(await load()).toMatchObject({ mutations: [], clients: [{ lastMutationId: 2, confirmed: 2 }] });
  });

  it('[ST-21] nothing waits that goes by another name, when the page may be gone in a moment, or when it is closed', async () => {
    const { tab, saved, load, runtime, patience, doings } = world();
    patience.now = { mutationMs: 100, restMs: 500 };
    const one = tab();
    await one.persistence.open();
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1), 'at once');
    await runtime.time.advanceAsync(0);
    expect(one.stored).toEqual(['a 1']);
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    one.persistence.hurry();
    one.persistence.enqueue(clientAt(3), mutationOf('a', 3));
    one.persistence.advance('history-1', [commitFrom(0, 1)], [clientAt(3, 1)], []);
    await runtime.time.advanceAsync(0);
    // What came while a write was under way, too.
    expect(one.stored).toEqual(['a 1', 'a 2', 'a 3']);
    await saved(one);
    doings.length = 0;
    one.persistence.advance('history-1', [commitFrom(1, 2)], [clientAt(3, 1)], []);
    one.persistence.enqueue(clientAt(4), mutationOf('a', 4));
    one.persistence.dismiss(['x']);
    await runtime.time.advanceAsync(0);
    expect(doings).toEqual([]);
    one.persistence.close();
    await eventually(() => expect(doings).toEqual(['enqueue', 'dismiss', 'advance']));
    expect((await load()).mutations.map(({ mutationId }) => mutationId)).toEqual([2, 3, 4]);
  });

  it('[ST-21] what ends without a commit leaves the commits that wait beside it as they are', async () => {
    const { tab, saved, load, runtime, patience } = world();
    patience.now = { mutationMs: 100, restMs: 500 };
    const one = tab();
    await one.persistence.open();
    one.persistence.keepImage(imageAt(3));
    one.persistence.advance('history-1', [commitFrom(3, 4)], [], []);
    one.persistence.advance('', [], [clientAt(2, 1)], []);
    one.persistence.advance('history-1', [commitFrom(4, 5)], [], []);
    await runtime.time.advanceAsync(500);
    await saved(one);
    expect(await load()).toMatchObject({ replica: { tail: [commitFrom(3, 4), commitFrom(4, 5)] }, clients: [clientAt(2, 1)] });
  });

  it('[ST-4] what is dismissed before it was written does not come after it', async () => {
    const { tab, saved, load, runtime, patience, disk } = world();
    patience.now = { mutationMs: 100, restMs: 500 };
    const one = tab();
    await one.persistence.open();
    const rejection = (mutationId: number) => ({
      key: `a ${mutationId}`,
      mutation: mutationOf('a', mutationId),
      error: { code: 'forbidden' as const, message: 'no' },
      atMs: 1,
    });
    disk.fault = () => new AlcoveError('storage_failed', 'not now');
    one.persistence.advance('', [], [clientAt(3, 2)], [rejection(1), rejection(2)]);
    await runtime.time.advanceAsync(50);
    one.persistence.dismiss(['a 1']);
    disk.fault = () => null;
    await runtime.time.advanceAsync(60_000);
    await saved(one);
    expect((await load()).rejections.map(({ key }) => key)).toEqual(['a 2']);
  });

  it('[ST-4] goes on from what is kept', async () => {
    const { tab, saved } = world();
    const one = tab();
    expect(await one.persistence.open()).toMatchObject({ isNew: true });
    one.persistence.keepImage(imageAt(3));
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    one.persistence.advance('history-1', [commitFrom(3, 4)], [clientAt(2, 1)], []);
    await saved(one);
    one.persistence.close();
    const two = tab();
    expect(await two.persistence.open()).toMatchObject({
      isNew: false,
      replica: { image: { position: { version: 3 } }, tail: [commitFrom(3, 4)] },
      clients: [clientAt(2, 1)],
      mutations: [mutationOf('a', 2)],
    });
  });

  it('[ST-17] what fails is tried again, in order, and named meanwhile', async () => {
    const { tab, becomes, saved, load, disk, runtime } = world();
    const one = tab();
    await one.persistence.open();
    disk.fault = () => new AlcoveError('storage_failed', 'the disk is tired');
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await becomes(one, { status: 'failing', unsaved: 1, error: { code: 'storage_failed' } });
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    disk.fault = () => null;
    runtime.time.advance(60_000);
    await saved(one);
    expect(one.persistence.state).toEqual({ status: 'saved', error: null, unsaved: 0 });
    expect((await load()).mutations.map(({ mutationId }) => mutationId)).toEqual([1, 2]);
  });

  it('[ST-17] a mutation that the room decides before it could be kept is not kept', async () => {
    const { tab, becomes, saved, load, disk, runtime } = world();
    const one = tab();
    await one.persistence.open();
    disk.fault = () => new AlcoveError('storage_failed', 'the disk is tired');
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await becomes(one, { status: 'failing' });
    one.persistence.advance('history-1', [commitFrom(0, 1)], [clientAt(1, 1)], []);
    expect(one.persistence.state.unsaved).toBe(0);
    disk.fault = () => null;
    runtime.time.advance(60_000);
    await saved(one);
    expect(await load()).toMatchObject({ mutations: [], clients: [{ lastMutationId: 1, confirmed: 1 }] });
  });

  it('[ST-69] other names come in one step, which is tried again whole', async () => {
    const { tab, becomes, saved, load, disk, runtime, doings } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await saved(one);
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    disk.fault = () => new AlcoveError('storage_failed', 'the disk is tired');
    one.persistence.rename(
      [{ client: clientOf('a~2', { lastMutationId: 2 }), mutations: [mutationOf('a~2', 1), mutationOf('a~2', 2)] }],
      [{ clientId: 'a', lastMutationId: 2 }],
    );
    await becomes(one, { status: 'failing', unsaved: 2 });
    doings.length = 0;
    disk.fault = (doing) => {
      doings.push(doing);
      return null;
    };
    runtime.time.advance(60_000);
    await saved(one);
    expect(doings).toEqual(['rename']);
    expect(one.stored).toEqual(['a 1', 'a~2 2']);
    expect((await load()).mutations).toEqual([mutationOf('a~2', 1), mutationOf('a~2', 2)]);
  });

  it('[ST-14] a full disk gives up the replica before a mutation', async () => {
    const { tab, becomes, saved, load, disk, runtime } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.keepImage(imageAt(3, 100_000));
    await saved(one);
    disk.bytesMax = disk.bytes;
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await becomes(one, { status: 'failing', error: { code: 'storage_full' } });
    runtime.time.advance(60_000);
    await saved(one);
    expect(one.stored).toEqual(['a 1']);
    expect(await load()).toMatchObject({ replica: null, mutations: [mutationOf('a', 1)] });
  });

  it('[ST-71] what is kept of a fork goes before what takes its place, however old that is, and nothing of it comes behind', async () => {
    const { tab, saved, load } = world();
    const one = tab();
    const { persistence } = one;
    await persistence.open();
    persistence.keepImage(imageAt(3));
    persistence.advance('history-1', [commitFrom(3, 4), commitFrom(4, 5)], [], []);
    await saved(one);
    persistence.advance('history-1', [commitFrom(5, 6)], [], []);
    persistence.dropLost({ position: positionAt(2) });
    persistence.keepImage(imageAt(2));
    persistence.advance('history-1', [commitFrom(2, 5, 'another')], [], []);
    await saved(one);
    expect((await load()).replica).toMatchObject({ image: { position: positionAt(2) }, tail: [commitFrom(2, 5, 'another')] });
  });

  it('[ST-63] an image that does not fit is named, then given up; the next one of its size is not tried for five minutes', async () => {
    const { tab, becomes, saved, load, disk, runtime, doings } = world();
    const one = tab();
    await one.persistence.open();
    disk.bytesMax = disk.bytes + 500;
    one.persistence.keepImage(imageAt(1));
    await becomes(one, { status: 'failing', error: { code: 'storage_full' } });
    runtime.time.advance(1_000);
    await becomes(one, { status: 'saved', error: null });
    disk.bytesMax = Number.POSITIVE_INFINITY;
    doings.length = 0;
    one.persistence.keepImage(imageAt(2));
    one.persistence.advance('history-1', [commitFrom(1, 2)], [], []);
    await saved(one);
    expect([doings, one.onImageWanted.mock.calls]).toEqual([['advance'], []]);
    runtime.time.advance(5 * 60_000);
    one.persistence.keepImage(imageAt(2));
    await saved(one);
    expect((await load()).replica?.image.position.version).toBe(2);
  });

  it('[ST-17] a client that is removed does not come back with counters that were still to be written', async () => {
    const { tab, becomes, saved, load, disk, runtime } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.enqueue(clientAt(2), mutationOf('a', 1));
    await saved(one);
    disk.fault = () => new AlcoveError('storage_failed', 'the disk is tired');
    one.persistence.advance('history-1', [], [clientAt(2, 1)], []);
    await becomes(one, { status: 'failing' });
    one.persistence.advance('history-1', [], [clientAt(2, 2)], []);
    one.persistence.removeClients([clientAt(2)]);
    disk.fault = () => null;
    runtime.time.advance(60_000);
    await saved(one);
    expect(await load()).toMatchObject({ clients: [], mutations: [] });
  });

  it('[ST-18] without storage work goes on in memory, and everything is handed over once there is some', async () => {
    const { tab, saved, disk, runtime } = world();
    const one = tab();
    disk.fault = () => new AlcoveError('storage_failed', 'private window');
    expect(await one.persistence.open()).toBeNull();
    expect(one.persistence.state).toMatchObject({ status: 'failing', error: { message: 'private window' } });
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    disk.fault = () => null;
    runtime.time.advance(60_000);
    await eventually(() => expect(one.onReopened).toHaveBeenCalledTimes(1));
    await saved(one);
  });

  it('[ST-18] a place that was emptied under the tab is begun anew and filled again', async () => {
    const { tab, saved, disk, runtime, place, load } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await saved(one);
    one.onReopened.mockImplementation(() => one.persistence.enqueue(clientAt(1), mutationOf('a', 1)));
    disk.clear(place);
    runtime.time.advance(60_000);
    await eventually(() => expect(one.onReopened).toHaveBeenCalledTimes(1));
    await saved(one);
    expect(await load()).toMatchObject({ isNew: false, mutations: [mutationOf('a', 1)] });
  });

  it('[ST-40] tabs under which a place was emptied begin it anew as the client group that it had, and each hands over what is pending', async () => {
    const { tab, saved, disk, runtime, place, load } = world();
    const [one, two] = [tab(), tab()];
    const groupId = (await one.persistence.open())?.groupId;
    expect(await two.persistence.open()).toMatchObject({ groupId });
    const [first, second] = [clientAt(1), clientOf('b', { lastMutationId: 1 })];
    one.onReopened.mockImplementation(() => one.persistence.enqueue(first, mutationOf('a', 1)));
    two.onReopened.mockImplementation(() => two.persistence.enqueue(second, mutationOf('b', 1)));
    disk.clear(place);
    runtime.time.advance(60_000);
    for (const { onReopened } of [one, two]) await eventually(() => expect(onReopened).toHaveBeenCalledTimes(1));
    for (const each of [one, two]) await saved(each);
    const { groupId: now, mutations } = await load();
    expect([now, mutations]).toEqual([groupId, [mutationOf('a', 1), mutationOf('b', 1)]]);
  });

  it('[ST-55] a tab that did not hear that its place was forgotten finds out when it comes back to it, and writes nothing more', async () => {
    const { tab, saved, runtime, storage, place, load } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    await saved(one);
    one.onReopened.mockImplementation(() => one.persistence.enqueue(clientAt(1), mutationOf('a', 1)));
    await storage.remove(place);
    one.persistence.enqueue(clientAt(2), mutationOf('a', 2));
    runtime.time.advance(60_000);
    await eventually(() => expect(one.onForgotten).toHaveBeenCalledTimes(1));
    one.persistence.enqueue(clientAt(3), mutationOf('a', 3));
    runtime.time.advance(600_000);
    expect(one.onReopened).not.toHaveBeenCalled();
    expect(await load()).toMatchObject({ isNew: true, clients: [], mutations: [] });
  });

  it('[ST-15] what a newer build keeps is left alone: work goes on in memory', async () => {
    const { tab, disk, runtime } = world();
    const one = tab();
    disk.fault = () => new AlcoveError('update_needed', 'a newer build was here');
    await one.persistence.open();
    expect(one.persistence.state).toMatchObject({ status: 'off', error: { code: 'update_needed' } });
    disk.fault = () => null;
    runtime.time.advance(600_000);
    one.persistence.enqueue(clientAt(1), mutationOf('a', 1));
    expect(one.persistence.state).toMatchObject({ status: 'off', unsaved: 0 });
  });

  it('[ST-19] asks for an image where the tail has a gap or outgrows the one there is', async () => {
    const { tab, saved } = world();
    const one = tab();
    await one.persistence.open();
    one.persistence.keepImage(imageAt(3));
    one.persistence.advance('history-1', [commitFrom(3, 4)], [], []);
    await saved(one);
    expect(one.onImageWanted).not.toHaveBeenCalled();
    one.persistence.advance('history-1', [commitFrom(5, 6)], [], []);
    await saved(one);
    expect(one.onImageWanted).toHaveBeenCalledTimes(1);
    one.persistence.advance('history-1', [commitFrom(4, 5, 'x'.repeat(1_200_000))], [], []);
    await saved(one);
    expect(one.onImageWanted).toHaveBeenCalledTimes(2);
  });
});
