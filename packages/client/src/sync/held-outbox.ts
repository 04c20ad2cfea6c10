import type { NamedSchema, StoredOutbox } from '../storage/storage.ts';
import { isNewerSchema } from '../storage/stored-schema.ts';

/**
 * What a newer build of the app has pending on the device, or left there: this build knows neither what it means nor whether the room does, so it neither runs nor
 * pushes it, and leaves it to a page of that build. A client is held back as long as anything of it is.
 */
export class HeldOutbox {
  readonly #own: NamedSchema;
  /** By schemaId. */
  readonly #isNewer = new Map<string, boolean>();
  /** By clientId: how many mutations. */
  readonly #held = new Map<string, number>();

  constructor(own: NamedSchema) {
    this.#own = own;
  }

  /** Mutations that are held back, as far as the disk was looked at. */
  get count(): number {
    return [...this.#held.values()].reduce((sum, count) => sum + count, 0);
  }

  has(clientId: string): boolean {
    return this.#held.has(clientId);
  }

  /** Sorted. */
  clientIds(): string[] {
    return [...this.#held.keys()].sort();
  }

  /** What was read of the disk, all of it or of these clients, without what is held back; `spokenFor`: clients of this tab. */
  without(outbox: StoredOutbox, spokenFor: (clientId: string) => boolean, clientIds: readonly string[] = this.clientIds()): StoredOutbox {
    const newer = this.#newerIn(outbox);
    for (const clientId of clientIds) this.#held.delete(clientId);
    for (const { clientId } of outbox.mutations)
      if (newer.has(clientId) && !spokenFor(clientId)) this.#held.set(clientId, (this.#held.get(clientId) ?? 0) + 1);
    return without(outbox, this.#held);
  }

  /** What was read without the clients of which a newer build has something there, whoever speaks for them. */
  withoutNewer(outbox: StoredOutbox): StoredOutbox {
    return without(outbox, this.#newerIn(outbox));
  }

  #newerIn({ schemas = [], mutations }: StoredOutbox): ReadonlySet<string> {
    for (const { schemaId, schema } of schemas) this.#isNewer.set(schemaId, isNewerSchema(schema, this.#own.schema));
    return new Set(mutations.filter(({ schemaId }) => this.#isNewer.get(schemaId) === true).map(({ clientId }) => clientId));
  }
}

function without(outbox: StoredOutbox, clientIds: Pick<ReadonlySet<string>, 'has' | 'size'>): StoredOutbox {
  if (clientIds.size === 0) return outbox;
  const isFree = ({ clientId }: { readonly clientId: string }): boolean => !clientIds.has(clientId);
  return { ...outbox, clients: outbox.clients.filter(isFree), mutations: outbox.mutations.filter(isFree) };
}
