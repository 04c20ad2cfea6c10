import { AlcoveError } from '@alcove/core/error';
import { beforeEach, expect, it } from 'vitest';
import { TrackedMutation } from './mutation-handle.ts';
import { type AnsweredBatch, freshClient, OutgoingCalls } from './outgoing-calls.ts';

const no = { code: 'mutator_failed', message: 'no' } as const;
let calls: OutgoingCalls;
let made: Map<string, TrackedMutation>;

beforeEach(() => {
  calls = new OutgoingCalls('me');
  made = new Map();
});

const call = (...names: string[]): void => {
  for (const name of names) {
    const mutation = new TrackedMutation({ callId: made.size + 1, name, args: null, seed: '', nowMs: 0 });
    made.set(name, mutation);
    calls.add(mutation);
  }
};
/** As a mutation that failed or was decided elsewhere ends. */
const end = (name: string): void => made.get(name)?.ended('unknown', new AlcoveError('closed', 'over'), 0);
const handed = (): string[] => (calls.next() ?? []).map(({ name, clientId, mutationId }) => `${name}=${clientId} ${mutationId}`);
const takenOf = ({ taken }: AnsweredBatch): string[] => taken.map(([mutationId, { name }]) => `${name}=${mutationId}`);

it('[WK-1] hands one batch at a time, under ids that follow on each other', () => {
  call('a', 'b');
  expect(handed()).toEqual(['a=me 1', 'b=me 2']);
  call('c');
  expect(calls.next()).toBeNull();
  expect(takenOf(calls.answered({ taken: 2, error: null }))).toEqual(['a=1', 'b=2']);
  expect(handed()).toEqual(['c=me 3']);
});

it('gives the id of one that was not taken to the next', () => {
  call('a', 'bad', 'c');
  calls.next();
  const answered = calls.answered({ taken: 1, error: no });
  expect(answered.failed).toMatchObject({ mutation: { name: 'bad' }, error: no });
  expect(calls.untaken.map(({ name }) => name)).toEqual(['c']);
  expect(handed()).toEqual(['c=me 2']);
});

it('tells nothing of those that the room has decided before the answer came', () => {
  call('a', 'b');
  calls.next();
  end('a');
  expect(takenOf(calls.answered({ taken: 2, error: null }))).toEqual(['b=2']);
  expect(calls.client.lastMutationId).toBe(2);
});

it('spends the ids of those that ended where they stood, and hands over none behind one in the same batch', () => {
  call('a', 'b', 'c');
  end('a');
  expect(handed()).toEqual(['b=me 2', 'c=me 3']);
  calls.answered({ taken: 2, error: null });
  call('d', 'e', 'f');
  end('e');
  expect(handed()).toEqual(['d=me 4']);
  calls.answered({ taken: 1, error: null });
  expect(handed()).toEqual(['f=me 6']);
});

it('hands over again, under the same ids, what an engine left unanswered', () => {
  call('a', 'b', 'c');
  calls.next();
  end('a');
  calls.again();
  expect(handed()).toEqual(['b=me 2', 'c=me 3']);
});

it('tells what was taken under a client that was stopped meanwhile, and goes on under the one of now', () => {
  call('a', 'b');
  calls.next();
  calls.become(freshClient('then'));
  const answered = calls.answered({ taken: 1, error: null });
  expect(answered).toMatchObject({ taken: [], stopped: [{ name: 'a' }], failed: null });
  expect(handed()).toEqual(['b=then 1']);
});

it('finds those of the batch on its way by their names, also after these have changed', () => {
  call('a');
  calls.next();
  calls.answered({ taken: 1, error: null });
  call('b');
  calls.next();
  expect(calls.handedAs({ clientId: 'me', mutationId: 2 })?.name).toBe('b');
  expect(calls.handedAs({ clientId: 'other', mutationId: 2 })).toBeUndefined();
  calls.rename('me', 'you', 1);
  expect(calls.handedAs({ clientId: 'you', mutationId: 1 })?.name).toBe('b');
  expect(calls.handedAs({ clientId: 'me', mutationId: 2 })).toBeUndefined();
  expect(takenOf(calls.answered({ taken: 1, error: null }))).toEqual(['b=1']);
});

it('knows what the room knows of its client', () => {
  call('a', 'b');
  calls.next();
  calls.answered({ taken: 2, error: null });
  calls.welcomed(7);
  calls.welcomed(9);
  calls.decided({ clientId: 'me', mutationId: 2 });
  calls.decided({ clientId: 'me', mutationId: 1 });
  calls.decided({ clientId: 'other', mutationId: 5 });
  expect(calls.client).toEqual({ clientId: 'me', lastMutationId: 2, confirmed: 2, welcomed: 7 });
  calls.welcomed(3);
  expect(calls.client.welcomed).toBe(3);
});

it('has nothing to hand over once it was cleared', () => {
  call('a');
  calls.next();
  call('b');
  calls.clear();
  expect(calls.untaken).toEqual([]);
  expect(calls.next()).toBeNull();
});
