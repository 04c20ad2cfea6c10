import { expect } from '@playwright/test';

/** Resolves when it holds. */
export const condition = (holds: () => boolean | Promise<boolean>, message = 'the condition holds'): Promise<void> =>
  expect.poll(holds, { message, intervals: [5, 10, 20, 50] }).toBe(true);
