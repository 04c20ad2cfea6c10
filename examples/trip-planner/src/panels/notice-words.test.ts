import { expect, it } from 'vitest';
import { wordsForPutBack, wordsForUpdate } from './notice-words.ts';

const atMs = new Date(2026, 10, 21, 14, 2).getTime();

it('tells to where the server was put back, as far as that is known', () => {
  expect(wordsForPutBack({ seenVersion: 1_214, version: 1_190, atMs })).toBe(
    'The server was put back to how it was at version 1,190 or before: what was changed after that is gone, whoever changed it. This page showed version 1,214 until 14:02.',
  );
  // Others have written meanwhile: the version says nothing of where it was put back to.
  for (const version of [1_214, 1_300])
    expect(wordsForPutBack({ seenVersion: 1_214, version, atMs })).toMatch(
      /^The server was put back to an earlier state: .* version 1,214 until/,
    );
});

it('counts what waits for a newer version of the page', () => {
  expect(wordsForUpdate(1)).toMatch(/^1 change that a newer version of this page left on this device waits for it\. .* it is sent\.$/);
  expect(wordsForUpdate(2)).toMatch(/^2 changes .* wait for it\. Load the page again: .* they are sent\.$/);
});
