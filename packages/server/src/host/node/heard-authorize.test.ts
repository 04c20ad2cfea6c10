import { expect, it } from 'vitest';
import type { AccessAction } from '../../access/access.ts';
import { heardAuthorize } from './heard-authorize.ts';
import type { Authorize } from './server-options.ts';

const OPEN: AccessAction = { kind: 'open' };
const MUTATE: AccessAction = { kind: 'mutate', name: 'addStop', args: null };
const LIST: AccessAction = { kind: 'list' };

/** What an app in plain JavaScript answers, and what is logged of it. */
const heard = (answer: (action: AccessAction) => unknown) => {
  const lines: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, error: (message: string) => void lines.push(message) };
  const authorize = heardAuthorize(((_claims, action) => answer(action)) as Authorize, log);
  return { lines, ask: async (action: AccessAction) => authorize({ sub: 'ann' }, action, { name: 'trip', id: 'japan' }) };
};

it.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [1, 'a number'],
  ['secret', 'a string'],
  [{}, 'an object'],
])('[AC-30] an answer that is neither true nor false is no, and told once for each kind: %j', async (answer, said) => {
  for (const given of [answer, Promise.resolve(answer)]) {
    const { lines, ask } = heard(() => given);
    for (const action of [OPEN, OPEN, LIST]) expect(await ask(action)).toBe(false);
    expect(lines).toEqual(['open', 'list'].map((kind) => `authorize answered ${said} for { kind: '${kind}' }, which counts as no`));
  }
});

it('[AC-30] true and false are told to nobody, at once or later', async () => {
  for (const answer of [true, false])
    for (const given of [answer, Promise.resolve(answer)]) {
      const { lines, ask } = heard(() => given);
      expect(await ask(OPEN)).toBe(answer);
      expect(lines).toEqual([]);
    }
});

it('[AC-30] a promise where none is waited for is no, told once, and its rejection nobody’s', async () => {
  const { lines, ask } = heard(({ kind }) => (kind === 'mutate' ? Promise.reject(new TypeError('late')) : true));
  expect([await ask(MUTATE), await ask(MUTATE), await ask(OPEN)]).toEqual([false, false, true]);
  expect(lines).toEqual(['authorize answered with a promise, which counts as no: only open, create, list and sql are waited for']);
});

it('[AC-2] what authorize throws stays a throw', async () => {
  const { ask } = heard(() => {
    throw new TypeError('no');
  });
  await expect(ask(OPEN)).rejects.toThrow('no');
});
