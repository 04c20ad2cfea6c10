import { silentLogger } from '@alcove/core/runtime/logger';
import { afterEach, expect, it, vi } from 'vitest';
import { newPlace } from '../../../../test/contract/storage-samples.ts';
import { createBrowserRuntime } from './browser-runtime.ts';
import { createBrowserStorage } from './browser-storage.ts';
import { missingForStorage } from './missing-platform.ts';

afterEach(() => vi.unstubAllGlobals());

it('[ST-24] what keeping a room takes and is missing is named, with what to do on a page that is not secure', () => {
  vi.stubGlobal('navigator', { locks: {} });
  vi.stubGlobal('indexedDB', {});
  vi.stubGlobal('BroadcastChannel', class {});
  expect(missingForStorage('this page')).toBeNull();
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('isSecureContext', false);
  expect(missingForStorage('this page')).toMatchObject({
    code: 'storage_unavailable',
    retryable: false,
    message: expect.stringContaining('this page has no Web Locks'),
    hint: expect.stringContaining('https'),
  });
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('indexedDB', undefined);
  expect(missingForStorage('this page’s worker')?.message).toMatch(/worker has no Web Locks .*, no IndexedDB$/);
});

it('[ST-24] a worker that lacks it keeps nothing and says so to who opens the place; nothing throws meanwhile', async () => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('BroadcastChannel', undefined);
  const parts = createBrowserStorage(createBrowserRuntime({ log: silentLogger }), newPlace(), 'all', () => new Uint8Array());
  const channel = parts.openChannel('x', () => undefined);
  channel.post({ type: 'who' });
  channel.close();
  expect(await parts.tryImager()).toBeNull();
  await expect(parts.storage.open(parts.place)).rejects.toMatchObject({ code: 'storage_unavailable' });
  await expect(parts.storage.remove(parts.place)).rejects.toMatchObject({ code: 'storage_unavailable' });
});
