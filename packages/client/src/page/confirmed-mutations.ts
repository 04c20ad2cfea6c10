import type { TrackedMutation } from './mutation-handle.ts';
import { lineOf, type MutationLine } from './mutation-line.ts';

/** The newest that are remembered, and the characters of their arguments as JSON in all; the oldest go first. */
export const REMEMBERED_MAX = 1_000;
export const REMEMBERED_CHARACTERS_MAX = 1_000_000;
/** Of these the newest that are listed: what happened just now is looked at, not a history. */
export const LISTED_MAX = 100;

interface Confirmed {
  readonly clientId: string;
  readonly mutationId: number;
  readonly mutation: TrackedMutation;
  readonly characters: number;
  /** Made when somebody looks. */
  line: MutationLine | null;
}

/**
 * Mutations that the room applied: the newest as a list, and more of them for the case that it loses the end of its history: then somebody has to be told which ones
 * are gone.
 */
export class ConfirmedMutations {
  /** In the order they were confirmed. */
  #confirmed: Confirmed[] = [];
  #characters = 0;

  remember(clientId: string, mutationId: number, mutation: TrackedMutation): void {
    const characters = JSON.stringify(mutation.args).length;
    this.#confirmed.push({ clientId, mutationId, mutation, characters, line: null });
    this.#characters += characters;
    while (this.#confirmed.length > REMEMBERED_MAX || this.#characters > REMEMBERED_CHARACTERS_MAX)
      this.#characters -= this.#confirmed.shift()?.characters ?? 0;
  }

  /** The newest, in the order they were confirmed. */
  newest(): MutationLine[] {
    return this.#confirmed.slice(-LISTED_MAX).map((one) => (one.line ??= lineOf(one.mutation)));
  }

  /** Takes out those of a client above `roomHas`, its newest mutation that the room still knows. */
  takeLost(clientId: string, roomHas: number): TrackedMutation[] {
    const isLost = (one: Confirmed): boolean => one.clientId === clientId && one.mutationId > roomHas;
    const lost = this.#confirmed.filter(isLost);
    this.#confirmed = this.#confirmed.filter((one) => !isLost(one));
    for (const { characters } of lost) this.#characters -= characters;
    return lost.map(({ mutation }) => mutation);
  }
}
