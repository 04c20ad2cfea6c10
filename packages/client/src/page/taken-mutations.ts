import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ToldRejection } from '../sync/engine-storage.ts';
import type { TrackedMutation } from './mutation-handle.ts';

/** Mutations that the engine has taken and the room has not decided, by the names they go by: of this page's client, of those it was before, and of those it adopted. */
export class TakenMutations {
  readonly #byClient = new Map<string, Map<number, TrackedMutation>>();

  get size(): number {
    return [...this.#byClient.values()].reduce((sum, byId) => sum + byId.size, 0);
  }

  /** Those of a client, which is known from now on. */
  of(clientId: string): Map<number, TrackedMutation> {
    const known = this.#byClient.get(clientId);
    if (known !== undefined) return known;
    const byId = new Map<number, TrackedMutation>();
    this.#byClient.set(clientId, byId);
    return byId;
  }

  /** All of them, each client's in order. */
  all(): TrackedMutation[] {
    return [...this.#byClient.values()].flatMap((byId) => [...byId.values()]);
  }

  /** Those of a client from one id up to another. */
  between(clientId: string, from: number, upTo: number): TrackedMutation[] {
    const byId = this.#byClient.get(clientId);
    if (byId === undefined) return [];
    const found: TrackedMutation[] = [];
    // As many steps as were asked for, not as many as are pending.
    for (let id = from; id <= upTo; id++) {
      const mutation = byId.get(id);
      if (mutation !== undefined) found.push(mutation);
    }
    return found;
  }

  get clientIds(): string[] {
    return [...this.#byClient.keys()];
  }

  /** The oldest of a client. */
  first(clientId: string): TrackedMutation | undefined {
    return this.#byClient.get(clientId)?.values().next().value;
  }

  /** As they travel, under the names they go by. */
  minted(clientId: string): Mutation[] {
    return [...(this.#byClient.get(clientId) ?? [])].map(([mutationId, mutation]) => minted(mutation, clientId, mutationId));
  }

  /** Rejected ones, as they are put aside. */
  told(): ToldRejection[] {
    return [...this.#byClient].flatMap(([clientId, byId]) =>
      [...byId].flatMap(([mutationId, mutation]) => {
        const { error, decidedAtMs, nowMs } = mutation;
        if (error === null) return [];
        return [{ mutation: minted(mutation, clientId, mutationId), error: error.toBody(), atMs: decidedAtMs ?? nowMs }];
      }),
    );
  }

  /** Takes one out. */
  settle(clientId: string, mutationId: number): TrackedMutation | undefined {
    const byId = this.#byClient.get(clientId);
    const mutation = byId?.get(mutationId);
    byId?.delete(mutationId);
    return mutation;
  }

  /** What was (`clientId`, n) is (`to`, n − `offset`). */
  rename(clientId: string, to: string, offset: number): void {
    const byId = this.#byClient.get(clientId);
    this.#byClient.delete(clientId);
    const renamed = this.of(to);
    for (const [mutationId, mutation] of byId ?? []) renamed.set(mutationId - offset, mutation);
  }

  /** Forgets a client, and gives what was its. */
  remove(clientId: string): Map<number, TrackedMutation> {
    const byId = this.#byClient.get(clientId) ?? new Map<number, TrackedMutation>();
    this.#byClient.delete(clientId);
    return byId;
  }

  clear(): void {
    this.#byClient.clear();
  }
}

export const minted = ({ name, args, seed, nowMs }: TrackedMutation, clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name,
  args,
  seed,
  nowMs,
});
