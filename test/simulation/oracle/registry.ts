import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Claims } from '@alcove/core/schema/define-mutator';

/** A mutation that may stand in the room's log, and whose it is. */
export interface Registered {
  readonly mutation: Mutation;
  readonly user: Claims | null;
  /** It was called in a page of the newer release, and an older one has not taken it over. */
  isNewer?: boolean;
}

/** Every mutation that an engine was ever handed, by the name the room knows it under: what the oracle replays the log with. */
export class Registry {
  readonly #byName = new Map<string, Registered>();
  /** Names by seed: one call of the app has one seed, whatever names its mutation went by. */
  readonly #bySeed = new Map<string, { readonly clientId: string; readonly mutationId: number }[]>();

  readonly #byElement = new Map<string, { readonly clientId: string; readonly mutationId: number }[]>();

  add(registered: Registered): void {
    const { clientId, mutationId } = registered.mutation;
    const name = `${clientId} ${mutationId}`;
    // Of a call that an engine took and died with, before its page heard of it, and that the next one had no place for, the page gives the name to another.
    if (this.#byName.get(name)?.mutation.seed === registered.mutation.seed) return;
    this.#byName.set(name, registered);
    const element = elementOf(registered.mutation);
    if (element !== '') this.#byElement.set(element, [...(this.#byElement.get(element) ?? []), { clientId, mutationId }]);
    const { seed } = registered.mutation;
    this.#bySeed.set(seed, [...(this.#bySeed.get(seed) ?? []), { clientId, mutationId }]);
  }

  /** Names of what appended an element. */
  namesOfElement(element: string): readonly { readonly clientId: string; readonly mutationId: number }[] {
    return this.#byElement.get(element) ?? [];
  }

  /** More than one call appended it: one that was rejected was called again. */
  isShared(element: string): boolean {
    const seeds = new Set(this.namesOfElement(element).map(({ clientId, mutationId }) => this.get(clientId, mutationId)?.mutation.seed));
    return seeds.size > 1;
  }

  get(clientId: string, mutationId: number): Registered | undefined {
    return this.#byName.get(`${clientId} ${mutationId}`);
  }

  namesOf(seed: string): readonly { readonly clientId: string; readonly mutationId: number }[] {
    return this.#bySeed.get(seed) ?? [];
  }
}

/** The element that a mutation appends; what identifies its effect. */
export function elementOf({ args }: Mutation): string {
  return typeof args === 'object' && args !== null && 'value' in args && typeof args.value === 'string' ? args.value : '';
}
