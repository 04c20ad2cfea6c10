import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { VirtualTime } from '../../../../test/fake/virtual-time.ts';
import { Adoption } from './adoption.ts';
import type { LeftClient } from './join-names.ts';

const leftOf = (clientId: string): LeftClient => ({
  client: { clientId, lastMutationId: 1, confirmed: 0, welcomed: null },
  mutations: [{ clientId, mutationId: 1, name: 'addList', args: null, seed: 's', nowMs: 1 }],
  unstored: [],
  older: [],
});

function world(left: (clientIds: readonly string[]) => Promise<readonly LeftClient[]>, take: (left: readonly LeftClient[]) => void) {
  const time = new VirtualTime();
  const log = new CollectingLogger();
  const taken = new Set<string>();
  const reads: (readonly string[])[] = [];
  const adoption = new Adoption({
    runtime: new FakeRuntime({ time, log }),
    outbox: { has: (clientId) => taken.has(clientId), hello: () => [] },
    left: (clientIds) => {
      reads.push(clientIds);
      return left(clientIds);
    },
    take: (found) => {
      take(found);
      for (const { client } of found) taken.add(client.clientId);
    },
  });
  return { time, log, taken, reads, adoption };
}

describe('adoption', () => {
  it('[TB-4] clients that are asked for together are read and taken together, each once', async () => {
    const takes: number[] = [];
    const { time, reads, taken, adoption } = world(
      async (clientIds) => clientIds.map(leftOf),
      (found) => takes.push(found.length),
    );
    for (const clientId of ['a', 'b', 'a', 'c']) adoption.ask(clientId);
    await time.advanceAsync(100);
    adoption.ask('b');
    await time.advanceAsync(100);
    expect([reads, takes, [...taken]]).toEqual([[['a', 'b', 'c']], [3], ['a', 'b', 'c']]);
  });

  it('[TB-4] what fails is told, leaves everything where it was, and may be asked for again', async () => {
    let fails: 'read' | 'take' | null = 'read';
    const full = new AlcoveError('outbox_full', 'too many');
    const { time, log, taken, adoption } = world(
      (clientIds) => (fails === 'read' ? Promise.reject(full) : Promise.resolve(clientIds.map(leftOf))),
      () => {
        if (fails === 'take') throw full;
      },
    );
    for (const next of ['read', 'take', null] as const) {
      fails = next;
      adoption.ask('a');
      await time.advanceAsync(100);
    }
    expect(log.errors.map(({ fields }) => fields['code'])).toEqual(['outbox_full', 'outbox_full']);
    expect([...taken]).toEqual(['a']);
  });
});
