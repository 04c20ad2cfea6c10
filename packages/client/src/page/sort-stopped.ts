import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { TrackedMutation } from './mutation-handle.ts';

/** How often a mutation is issued at most: a room that forgets its clients faster than they are answered does not get the same work for ever. */
export const MUTATION_ISSUES_MAX = 5;

type Named = readonly [mutationId: number, mutation: TrackedMutation];

/** What is done with what was pending of a client that the room takes nothing more from; both in order. What no tab can run is left to the user. */
export function sortStopped(
  pending: ReadonlyMap<number, TrackedMutation>,
  isIdempotent: (name: string) => boolean,
): { readonly again: readonly Named[]; readonly unknown: readonly Named[] } {
  const inOrder = [...pending].sort(([a], [b]) => a - b);
  const mayGoAgain = ([, { name, issues, isCondemned }]: Named): boolean =>
    isIdempotent(name) && issues < MUTATION_ISSUES_MAX && !isCondemned;
  return { again: inOrder.filter(mayGoAgain), unknown: inOrder.filter((named) => !mayGoAgain(named)) };
}

/** Adds to what is pending of a client what its engine had taken of the batch whose answer is on its way, by its own word. */
export function addHanded(
  pending: Map<number, TrackedMutation>,
  known: readonly { readonly mutationId: number }[],
  handed: readonly TrackedMutation[],
  lastMutationId: number,
): void {
  for (const { mutationId } of known) {
    const mutation = handed[mutationId - lastMutationId - 1];
    if (mutation?.status === 'waiting') pending.set(mutationId, mutation);
  }
}

/** Which of a room's mutators say so. */
export const idempotentOf =
  ({ mutators }: Pick<AnyRoom, 'mutators'>) =>
  (name: string): boolean =>
    Object.hasOwn(mutators, name) && mutators[name]?.idempotent === true;
