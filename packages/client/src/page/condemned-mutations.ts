import type { AlcoveError } from '@alcove/core/error';
import type { MutationName } from '../outbox/client-names.ts';

/** More are no accident; what comes then counts against the worker. */
const CONDEMNED_MAX = 100;

/**
 * Mutations, of whatever tab, that are in an outbox and held an engine's thread past its budget: no engine of this page runs them again. They are the room's to
 * decide. Known to this page load only: the next one finds out anew, which costs it one worker for each of them.
 */
export class CondemnedMutations {
  readonly #byClient = new Map<string, Map<number, AlcoveError>>();

  /** False: it was so before, or there are too many. */
  add({ clientId, mutationId }: MutationName, error: AlcoveError): boolean {
    if (this.errorOf({ clientId, mutationId }) !== null || this.names().length >= CONDEMNED_MAX) return false;
    this.#of(clientId).set(mutationId, error);
    return true;
  }

  /** Why it is not run; null: it is. */
  errorOf({ clientId, mutationId }: MutationName): AlcoveError | null {
    return this.#byClient.get(clientId)?.get(mutationId) ?? null;
  }

  names(): MutationName[] {
    return [...this.#byClient].flatMap(([clientId, byId]) => [...byId.keys()].map((mutationId) => ({ clientId, mutationId })));
  }

  /** It was decided. */
  settle({ clientId, mutationId }: MutationName): void {
    this.#byClient.get(clientId)?.delete(mutationId);
  }

  remove(clientId: string): void {
    this.#byClient.delete(clientId);
  }

  /** What was (`clientId`, n) is (`to`, n − `offset`). */
  rename(clientId: string, to: string, offset: number): void {
    const byId = this.#byClient.get(clientId) ?? new Map<number, AlcoveError>();
    this.remove(clientId);
    for (const [mutationId, error] of byId) if (mutationId > offset) this.#of(to).set(mutationId - offset, error);
  }

  #of(clientId: string): Map<number, AlcoveError> {
    const known = this.#byClient.get(clientId) ?? new Map<number, AlcoveError>();
    this.#byClient.set(clientId, known);
    return known;
  }
}
