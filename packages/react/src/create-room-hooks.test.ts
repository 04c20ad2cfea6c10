import { expect, it } from 'vitest';
import { createRoomHooks } from './create-room-hooks.ts';

it('[WK-53] hooks without a definition are refused where they are made', () => {
  for (const [given, kind] of [
    [undefined, 'undefined'],
    ['trip', '"trip"'],
    [{}, 'an object'],
  ]) {
    expect(() => Reflect.apply(createRoomHooks, undefined, [given])).toThrow(
      expect.objectContaining({
        code: 'option_invalid',
        message: `createRoomHooks takes a definition made by defineRoom, and got ${String(kind)}`,
      }),
    );
  }
});
