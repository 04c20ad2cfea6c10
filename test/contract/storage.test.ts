import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { FakeBrowserDisk } from '../fake/fake-disk.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { storageContract } from './storage-contract.ts';
import { clientOf, mutationOf, newPlace, positionAt } from './storage-samples.ts';

const digest = async (bytes: Uint8Array): Promise<string> => bytesToHex(sha256(bytes));

storageContract('the fake disk', () => {
  const disk = new FakeBrowserDisk();
  return {
    storage: disk.storage(new FakeRuntime(), digest),
    damage: async (place, table, change) => disk.damage(place, table, change),
    clear: async (place) => disk.clear(place),
    hexOfSha256: digest,
  };
});

describe('the fake disk', () => {
  it('[ST-3] what was enqueued survives a crash of the machine', async () => {
    const disk = new FakeBrowserDisk();
    const storage = disk.storage(new FakeRuntime(), digest);
    const place = newPlace();
    const room = await storage.open(place);
    await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
    const confirmed = clientOf('a', { lastMutationId: 1, confirmed: 1 });
    await room.advance({ historyId: 'history-1', commits: [], clients: [confirmed], rejections: [] });
    disk.crash(1);
    room.close();
    const again = await storage.open(place);
    expect((await again.load()).mutations).toEqual([mutationOf('a', 1)]);
  });

  it('[ST-14] a full disk refuses what grows, takes nothing of it, and still forgets', async () => {
    const disk = new FakeBrowserDisk();
    const storage = disk.storage(new FakeRuntime(), digest);
    const place = newPlace();
    const room = await storage.open(place);
    await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
    disk.bytesMax = disk.bytes;
    await expect(room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 2)])).rejects.toMatchObject({ code: 'storage_full' });
    expect(await room.outbox()).toMatchObject({ clients: [{ lastMutationId: 1 }], mutations: [mutationOf('a', 1)] });
    await room.removeClients([{ clientId: 'a', lastMutationId: 2 }]);
    expect((await room.outbox()).clients).toEqual([]);
  });

  it('[ST-14] an image that does not fit leaves nothing behind', async () => {
    const disk = new FakeBrowserDisk();
    const storage = disk.storage(new FakeRuntime(), digest);
    const place = newPlace();
    const room = await storage.open(place);
    const imager = await room.becomeImager();
    const before = disk.bytes;
    disk.bytesMax = before + 10_000_000;
    const bytes = new Uint8Array(12_000_000);
    const image = { position: positionAt(1), bytes, sha256: await digest(bytes) };
    await expect(room.writeImage(image, imager)).rejects.toMatchObject({ code: 'storage_full' });
    expect(disk.bytes).toBe(before);
  });
});
