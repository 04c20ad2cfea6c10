import type { Mutation } from '@alcove/core/mutation/mutation';

/** A client goes by another name, because the room lost a tail of its mutations. */
export interface Rekeyed {
  readonly clientId: string;
  readonly to: string;
  /** Mutation n of `clientId` is n − `offset` of `to`. */
  readonly offset: number;
  /** The newest of the client's mutations that the room still has: those above it that were confirmed are lost. */
  readonly roomHas: number;
}

/** What a mutation goes by. */
export type MutationName = Pick<Mutation, 'clientId' | 'mutationId'>;

/** Which names clients and their mutations go by now. */
export class ClientNames {
  readonly #renamed = new Map<string, Rekeyed>();

  rename(renamed: Rekeyed): void {
    this.#renamed.set(renamed.clientId, renamed);
  }

  isOld(clientId: string): boolean {
    return this.#renamed.has(clientId);
  }

  /** `mutation` under the name it goes by now; one that was settled before keeps the name it had. */
  ofMutation<Named extends MutationName>(mutation: Named): Named {
    let current = mutation;
    for (let next = this.#renamed.get(current.clientId); next !== undefined; next = this.#renamed.get(current.clientId)) {
      if (current.mutationId <= next.offset) break;
      current = { ...current, clientId: next.to, mutationId: current.mutationId - next.offset };
    }
    return current;
  }

  ofClient(clientId: string): string {
    let current = clientId;
    for (let next = this.#renamed.get(current); next !== undefined; next = this.#renamed.get(current)) current = next.to;
    return current;
  }
}

/** The id that its page gave a client, whatever it goes by after a lost tail. */
export const mintedAs = (clientId: string): string => clientId.replace(/~.*$/, '');

/** As long as a client's name may be. */
const NAME_CHARACTERS_MAX = 128;

/**
 * The name under which a client goes on in another history. It is made of the old one and the history, so that a worker that is replaced halfway comes to the
 * same one: what it had pushed is then known to the room and not taken twice.
 */
export function nameUnder(historyId: string, clientId: string): string {
  const suffix = `~${historyId.slice(0, 16)}`;
  const base = clientId.endsWith(suffix) ? clientId : clientId.replace(/~.*$/, '');
  return `${base}${suffix}`.slice(-NAME_CHARACTERS_MAX);
}
