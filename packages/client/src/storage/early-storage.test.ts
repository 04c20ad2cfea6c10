import { AlcoveError } from '@alcove/core/error';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, it } from 'vitest';
import { clientOf, mutationOf, newPlace } from '../../../../test/contract/storage-samples.ts';
import { FakeBrowserDisk } from '../../../../test/fake/fake-disk.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { readEarly } from './early-storage.ts';

const digest = async (bytes: Uint8Array): Promise<string> => bytesToHex(sha256(bytes));

it('[ST-20] what is kept is read before anybody asks, once, and again for those who ask later', async () => {
  const disk = new FakeBrowserDisk();
  const storage = disk.storage(new FakeRuntime(), digest);
  const place = newPlace();
  const before = await storage.open(place);
  await before.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
  before.close();
  const doings: string[] = [];
  disk.fault = (doing) => {
    doings.push(doing);
    return null;
  };
  const early = readEarly(storage, place);
  await new Promise((resolve) => setImmediate(resolve));
  expect(doings).toEqual(['open', 'load']);
  const room = await early.open(place);
  expect((await room.load()).mutations).toEqual([mutationOf('a', 1)]);
  expect(doings).toEqual(['open', 'load']);
  await room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 2)]);
  expect((await room.load()).mutations).toHaveLength(2);
  room.close();
  expect((await (await early.open(place)).load()).mutations).toHaveLength(2);
});

it('[ST-1] who opens it learns why it failed, and may try again', async () => {
  const disk = new FakeBrowserDisk();
  const place = newPlace();
  disk.fault = () => new AlcoveError('storage_failed', 'not now');
  const early = readEarly(disk.storage(new FakeRuntime(), digest), place);
  await expect(early.open(place)).rejects.toMatchObject({ message: 'not now' });
  disk.fault = () => null;
  expect((await (await early.open(place)).load()).isNew).toBe(true);
});
