import type { Mutation } from '@alcove/core/mutation/mutation';
import { fc } from '../../../../test/fake/properties.ts';
import { expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

const CLIENTS = ['a', 'b'] as const;
type ClientId = (typeof CLIENTS)[number];

/** An outbox and the least of a room: it takes ids in order, and may lose its answers. */
class Exchange {
  readonly outbox = new Outbox({ outboxMutationsMax: 1_000, outboxBytesMax: 10_000, pushWindowMutationsMax: 10 });
  readonly added: string[] = [];
  readonly settled: string[] = [];
  readonly #room = new Map<string, number>(CLIENTS.map((clientId) => [clientId, 0]));
  readonly #minted = new Map<string, number>();
  #version = 0;

  /** `skip`: ids that were minted before it and never came. */
  add(clientId: ClientId, skip: number): void {
    const mutationId = (this.#minted.get(clientId) ?? 0) + 1 + skip;
    const mutation: Mutation = { clientId, mutationId, name: 'add', args: null, seed: 's', nowMs: 1 };
    this.#minted.set(clientId, mutationId);
    this.outbox.add(mutation, 1);
    this.added.push(`${clientId}${mutationId}`);
  }

  push(answers: 'come' | 'are lost'): boolean {
    const mutations = this.outbox.nextPush({ mutationsMax: 4, bytesMax: 100, batchBytesMax: 100 }, 0);
    if (mutations === null) return false;
    this.#version += 1;
    for (const { clientId, mutationId } of mutations) {
      if (mutationId !== (this.#room.get(clientId) ?? 0) + 1) continue;
      this.#room.set(clientId, mutationId);
      if (answers === 'come') this.outbox.takeResults([{ clientId, mutationId, status: 'applied', version: this.#version }]);
    }
    return true;
  }

  refuse(clientId: ClientId): void {
    const expected = (this.#room.get(clientId) ?? 0) + 1;
    this.outbox.refused({ type: 'refused', clientId, mutationId: expected, expected, code: 'out_of_order', message: '' }, 0, 0);
  }

  reconnect(): void {
    this.outbox.connectionLost();
    const handled = [...this.#room];
    const clients = handled.map(([clientId, lastMutationId]) => ({ clientId, lastMutationId, state: 'known' as const }));
    this.outbox.welcome({ clients, historyId: 'h', version: this.#version }, false);
    for (const [clientId, mutationId] of handled) {
      if (mutationId > 0) this.outbox.takeResults([{ clientId, mutationId, status: 'duplicate', version: this.#version }]);
    }
  }

  settle(): void {
    for (const { mutation, isVoid } of this.outbox.settle(this.#version))
      if (!isVoid) this.settled.push(`${mutation.clientId}${mutation.mutationId}`);
  }

  drain(): void {
    for (let rounds = 0; rounds < 100 && this.outbox.size > 0; rounds += 1) {
      this.reconnect();
      while (this.push('come'));
      this.settle();
    }
  }
}

const client = fc.constantFrom(...CLIENTS);
const step: fc.Arbitrary<(exchange: Exchange) => void> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(client, fc.nat({ max: 1 })).map(
      ([clientId, skip]) =>
        (exchange: Exchange) =>
          exchange.add(clientId, skip),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom('come' as const, 'are lost' as const).map((answers) => (exchange: Exchange) => void exchange.push(answers)),
  },
  { weight: 3, arbitrary: client.map((clientId) => (exchange: Exchange) => exchange.refuse(clientId)) },
  { weight: 3, arbitrary: fc.constant((exchange: Exchange) => exchange.reconnect()) },
  { weight: 5, arbitrary: fc.constant((exchange: Exchange) => exchange.settle()) },
);

it('[OB-13] every mutation of every client settles exactly once, in order, whatever is lost and refused', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const exchange = new Exchange();
      for (const perform of steps) perform(exchange);
      exchange.drain();
      const of = (names: readonly string[], clientId: string): string[] => names.filter((name) => name.startsWith(clientId));
      for (const clientId of CLIENTS) expect(of(exchange.settled, clientId)).toEqual(of(exchange.added, clientId));
      expect(exchange.outbox.size).toBe(0);
    }),
  );
});
