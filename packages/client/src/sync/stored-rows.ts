import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Outbox } from '../outbox/outbox.ts';
import type { Enqueued, KnownClient, NamedSchema, StoredClient, StoredMutation, StoredRejection } from '../storage/storage.ts';
import type { VersionAt } from '../tabs/sibling-mutations.ts';
import { rejectionOf, type ToldRejection } from './engine-storage.ts';
import { byClient } from './left-client.ts';

export interface StoredRowsOptions {
  readonly runtime: Pick<Runtime, 'nowMs'>;
  /** What mutations are called under here. */
  readonly under: NamedSchema;
  readonly outbox: Pick<Outbox, 'counters'>;
  /** The client group that the room knows this tab by, or will. */
  speaksAs(): string;
  /** Whether the room does already. */
  hasSpoken(): boolean;
}

/** What this tab says on the disk of its clients and their mutations. */
export class StoredRows {
  readonly #options: StoredRowsOptions;

  constructor(options: StoredRowsOptions) {
    this.#options = options;
  }

  /** `at`: with which version its counter came to be shown. */
  client(clientId: string, at: VersionAt | null): StoredClient {
    const counters = this.#options.outbox.counters(clientId) ?? { lastMutationId: 0, confirmed: 0, welcomed: null };
    return { clientId, ...counters, groupId: this.groupId, confirmedAt: at, seenAtMs: this.#options.runtime.nowMs() };
  }

  /** Before the first hello a client may still be of any group. */
  get groupId(): string | null {
    return this.#options.hasSpoken() ? this.#options.speaksAs() : null;
  }

  mutation(mutation: Mutation): StoredMutation {
    return { ...mutation, schemaId: this.#options.under.schemaId };
  }

  /** What is pending, by client. */
  enqueued(pending: readonly Mutation[]): Enqueued[] {
    return [...byClient(pending)].map(([clientId, mutations]) => ({
      client: this.client(clientId, null),
      mutations: mutations.map((mutation) => this.mutation(mutation)),
    }));
  }

  /** `error` null: the room gave no reason. */
  rejection({ mutation, error, atMs }: Omit<ToldRejection, 'error'> & { readonly error: ErrorBody | null }): StoredRejection {
    return rejectionOf(this.mutation(mutation), error, atMs);
  }

  known(clientId: string): KnownClient {
    return { clientId, lastMutationId: this.#options.outbox.counters(clientId)?.lastMutationId ?? 0 };
  }
}
