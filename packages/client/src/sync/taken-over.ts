import type { Mutation } from '@alcove/core/mutation/mutation';
import { mintedAs } from '../outbox/client-names.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { KnownClient, StoredOutbox } from '../storage/storage.ts';
import { plainMutation } from './left-client.ts';

export interface TakenOverOptions {
  readonly outbox: Pick<Outbox, 'counters' | 'currentClientId' | 'has' | 'isDone' | 'knows' | 'speaksAs'>;
  /** Mutations of this client that were written after it was taken over: its page gave it up before its worker had heard. */
  onLate(client: KnownClient, mutations: readonly Mutation[]): void;
  /** Nothing more comes of these, and nobody mints under their names. */
  onDone(clients: readonly KnownClient[]): void;
}

/** Clients of dead tabs that this engine took over, and what the disk says of them later: what came after them is taken over, too; what is done is not kept. */
export class TakenOver {
  readonly #options: TakenOverOptions;
  readonly #clientIds = new Set<string>();

  constructor(options: TakenOverOptions) {
    this.#options = options;
  }

  /** As they were minted. */
  add(clientIds: Iterable<string>): void {
    for (const clientId of clientIds) this.#clientIds.add(clientId);
  }

  /** The disk was looked at. */
  saw({ clients, mutations }: StoredOutbox): void {
    const { outbox, onLate, onDone } = this.#options;
    const done: KnownClient[] = [];
    for (const { clientId, lastMutationId } of clients) {
      if (outbox.has(clientId) && outbox.counters(outbox.currentClientId(clientId)) === null) {
        // An older name, under which somebody left it: all of it has gone on. By a newer one it may come to go here, too.
        if (clientId === mintedAs(clientId) || outbox.isDone(outbox.speaksAs(clientId))) done.push({ clientId, lastMutationId });
        continue;
      }
      if (!this.#clientIds.has(mintedAs(clientId))) continue;
      const stored = mutations.filter((mutation) => mutation.clientId === clientId);
      const late = stored.filter((mutation) => !outbox.knows(mutation));
      const isGone = outbox.currentClientId(clientId) !== clientId || outbox.isDone(clientId);
      if (late.length > 0) onLate({ clientId, lastMutationId }, late.map(plainMutation));
      else if (stored.length === 0 && isGone) done.push({ clientId, lastMutationId });
    }
    if (done.length > 0) onDone(done);
  }
}
