import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { PlaceMarks } from '../storage/place-marks.ts';
import { KeptRoomPlace } from './kept-room-place.ts';

it('[ST-50] the mark is written when something is on the disk and when nothing is left there: calls that the room decides first cost none', () => {
  const texts = new Map<string, string>();
  let looks = 0;
  const marks = new PlaceMarks({
    read: (key) => {
      looks += 1;
      return texts.get(key) ?? null;
    },
    write: (key, text) => void (text === null ? texts.delete(key) : texts.set(key, text)),
    keys: () => [...texts.keys()],
  });
  const place = { server: 'ws://room', user: 'ann', roomName: 'trip', roomId: 'japan' };
  const device = {
    marks,
    storage: () => Promise.reject(new TypeError('not asked for')),
    openChannel: () => ({ post: () => undefined, close: () => undefined }),
    pause: () => Promise.resolve(),
    names: async () => null,
    wasForgotten: async () => false,
    persist: async () => true,
  };
  const kept = new KeptRoomPlace({ place, locks: { hold: async () => () => undefined }, device }, new FakeRuntime(), () => undefined);
  const marked = (): unknown => JSON.parse([...texts.values()][0] ?? 'null');
  kept.kept({ type: 'kept', groupId: 'g', clientIds: ['gone'] });
  kept.pending(['me', 'gone'], []);
  expect(marked()).toEqual({ groupId: 'g', clients: [] });
  looks = 0;
  for (let call = 0; call < 100; call += 1) kept.pending(['me'], []);
  expect(looks).toBe(0);
  kept.pending(['me'], ['me']);
  expect(marked()).toEqual({ groupId: 'g', clients: ['me'] });
  kept.pending(['me'], []);
  expect(marked()).toEqual({ groupId: 'g', clients: [] });
  kept.close();
});
