import { expect, it } from 'vitest';
import type { FoundRejections } from '../storage/storage.ts';
import type { EngineNotice } from './engine-interface.ts';
import { KeptRejections } from './kept-rejections.ts';

it('[TB-12] what is said of the disk while it is being read is looked at when that is done', async () => {
  const keys = ['a 1', 'a 2'];
  let looks = 0;
  const notices: EngineNotice[] = [];
  const kept = new KeptRejections({
    disk: {
      rejections: async (): Promise<FoundRejections> => {
        looks += 1;
        return { keys: ['a 2'], fresh: [] };
      },
      dismiss: () => undefined,
    },
    notices: { add: (notice) => void notices.push(notice) },
    post: () => undefined,
    wake: () => undefined,
  });
  // The answer with both of them is on its way.
  await kept.look();
  expect(looks).toBe(0);
  const read = keys.map((key) => ({
    key,
    mutation: { clientId: 'a', mutationId: 1, name: 'add', args: null, seed: '', nowMs: 1, schemaId: '' },
    error: { code: 'forbidden' as const, message: 'no' },
    atMs: 1,
  }));
  kept.opened({ rejections: read, damage: [], isNew: false });
  await Promise.resolve();
  await Promise.resolve();
  expect(notices.map((notice) => (notice.type === 'restored' ? notice.onDisk?.keys : null))).toEqual([keys, ['a 2']]);
  expect(looks).toBe(1);
});
