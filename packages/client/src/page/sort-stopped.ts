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

/** Which of a room's mutators say so. */
export const idempotentOf =
  ({ mutators }: Pick<AnyRoom, 'mutators'>) =>
  (name: string): boolean =>
    Object.hasOwn(mutators, name) && mutators[name]?.idempotent === true;
