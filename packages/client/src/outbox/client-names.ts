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
  ofMutation(mutation: Mutation): Mutation {
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
