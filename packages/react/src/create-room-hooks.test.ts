import { expect, it } from 'vitest';
import { createRoomHooks } from './create-room-hooks.ts';

it('[WK-53] hooks without a definition are refused where they are made', () => {
  const wrong: readonly (readonly [given: unknown, kind: string])[] = [
    [undefined, 'undefined'],
    ['trip', '"trip"'],
    [{}, 'an object'],
  ];
  for (const [given, kind] of wrong) {
    expect(() => Reflect.apply(createRoomHooks, undefined, [given])).toThrow(
      expect.objectContaining({
        code: 'option_invalid',
        message: `createRoomHooks takes a definition made by defineRoom, and got ${kind}`,
      }),
    );
  }
});
