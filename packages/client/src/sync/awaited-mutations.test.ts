import type { Mutation } from '@alcove/core/mutation/mutation';
import { expect, it } from 'vitest';
import { Outbox } from '../outbox/outbox.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { AwaitedMutations } from './awaited-mutations.ts';
import { ENGINE_LIMITS } from './engine-limits.ts';

const mutation = (clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name: 'add',
  args: null,
  seed: 's',
  nowMs: 1,
});

function set(own: number, siblings: number) {
  const sources = { outbox: new Outbox(ENGINE_LIMITS), siblings: new SiblingMutations() };
  sources.outbox.addClient({ clientId: 'me', confirmed: 0, welcomed: null });
  for (let id = 1; id <= own; id++) sources.outbox.add(mutation('me', id), 1);
  const theirs = Array.from({ length: siblings }, (_, index) => mutation('other', index + 1));
  sources.siblings.add('other', 0, theirs);
  return sources;
}

const applied = (clientId: string, mutationId: number, version: number) => ({ clientId, mutationId, status: 'applied', version }) as const;

it('[RD-41] counts what was pending at the call, here and shown of other tabs, until it is decided and shown', () => {
  const sources = set(2, 2);
  const awaited = new AwaitedMutations(sources);
  expect(awaited.count).toBe(4);
  // Called later: not waited for.
  sources.outbox.add(mutation('me', 3), 1);
  sources.siblings.add('other', 0, [mutation('other', 3)]);
  sources.outbox.takeResults([applied('me', 1, 5), { clientId: 'me', mutationId: 2, status: 'rejected', version: 6, code: 'forbidden' }]);
  expect(awaited.count).toBe(4);
  sources.outbox.settle(5);
  expect(awaited.count).toBe(3);
  sources.outbox.settle(6);
  expect(awaited.count).toBe(2);
  sources.siblings.takeResults('h', [applied('other', 2, 7)]);
  expect(awaited.count).toBe(2);
  sources.siblings.settle({ historyId: 'h', version: 7 });
  expect(awaited.count).toBe(0);
  expect([sources.outbox.size, sources.siblings.count]).toEqual([1, 1]);
});

it('[RD-41] follows mutations of a tab that is gone to the one that took them over', () => {
  const sources = set(0, 2);
  const awaited = new AwaitedMutations(sources);
  sources.outbox.addClient({ clientId: 'other', confirmed: 0, welcomed: 1 });
  for (const taken of sources.siblings.take('other')) sources.outbox.add(taken, 1);
  expect(awaited.count).toBe(2);
  sources.outbox.takeResults([applied('other', 1, 3), applied('other', 2, 3)]);
  sources.outbox.settle(3);
  expect(awaited.count).toBe(0);
});

it('[RD-41] knows them under the name that they have after a lost tail', () => {
  const sources = set(3, 0);
  sources.outbox.takeResults([applied('me', 1, 4)]);
  sources.outbox.settle(4);
  const awaited = new AwaitedMutations(sources);
  expect(awaited.count).toBe(2);
  const welcome = { historyId: 'h2', version: 1, clients: [{ clientId: 'me', lastMutationId: 0, state: 'known' as const }] };
  const [renamed] = sources.outbox.welcome(welcome, true);
  expect(awaited.count).toBe(2);
  expect(awaited.isOf(renamed?.to ?? '')).toBe(true);
  sources.outbox.takeResults([applied(renamed?.to ?? '', 1, 2), applied(renamed?.to ?? '', 2, 2)]);
  sources.outbox.settle(2);
  expect(awaited.count).toBe(0);
});

it('[RD-41] does not wait for what was dropped', () => {
  const sources = set(2, 0);
  const awaited = new AwaitedMutations(sources);
  expect([awaited.isOf('me'), awaited.isOf('other')]).toEqual([true, false]);
  const welcome = { historyId: 'h', version: 1, clients: [{ clientId: 'me', lastMutationId: 0, state: 'unknown' as const }] };
  sources.outbox.welcome(welcome, false);
  sources.outbox.takeStopped();
  expect(awaited.count).toBe(2);
  sources.outbox.discard('me');
  expect(awaited.count).toBe(0);
});
