import { AlcoveError } from '@alcove/core/error';
import { jsonFrom } from '@alcove/core/json';
import type { Json } from '@alcove/core/json';
import type { AnyRoom, MutatorArgs, MutatorName } from '@alcove/core/schema/define-room';
import type { MutationHandle } from './mutation-handle.ts';
import type { PageMutations } from './page-mutations.ts';

/** `room.mutate.addStop({…})`: a function a mutator, whose argument is its validator's input. */
export type MutateFunctions<Room extends AnyRoom> = {
  readonly [Name in MutatorName<Room>]: undefined extends MutatorArgs<Room, Name>
    ? (args?: MutatorArgs<Room, Name>) => MutationHandle
    : (args: MutatorArgs<Room, Name>) => MutationHandle;
};

/**
 * Calls a mutation of `rejected` again, as a new one, and takes its line off; null where there is no such line. Its arguments are JSON already. A mutator that this build does not have any
 * more fails as a call of it would.
 */
export function callAgain(
  definition: AnyRoom,
  mutations: Pick<PageMutations, 'call' | 'refuse' | 'rejected' | 'dismiss'>,
  refusal: AlcoveError | null,
  key: number,
): MutationHandle | null {
  const line = mutations.rejected.getSnapshot().find((one) => one.key === key);
  if (line === undefined) return null;
  const { name, args } = line;
  const again = refusal ?? unknownIn(definition, name);
  const handle = again === null ? mutations.call(name, args) : mutations.refuse(name, args, again);
  // On the disk the line stays until the new one is safe: a reload before that finds it.
  mutations.dismiss(key, handle.local);
  return handle;
}

const unknownIn = ({ mutators }: AnyRoom, name: string): AlcoveError | null =>
  Object.hasOwn(mutators, name) ? null : new AlcoveError('mutator_unknown', `this build of the app has no mutator “${name}”`);

/** `refusal` says why nothing is taken just now; null: it is. A call that is refused, or whose arguments JSON cannot carry, is a failed mutation like any other. */
export function mutateFunctions<Room extends AnyRoom>(
  definition: Room,
  mutations: Pick<PageMutations, 'call' | 'refuse'>,
  refusal: () => AlcoveError | null,
): MutateFunctions<Room> {
  const call = (name: string, args: unknown): MutationHandle => {
    let json: Json = null;
    let refused = refusal();
    try {
      if (args !== undefined) json = jsonFrom(args, 'arguments_invalid', `arguments of ${name}`);
    } catch (error) {
      refused ??= AlcoveError.from(error);
    }
    return refused === null ? mutations.call(name, json) : mutations.refuse(name, json, refused);
  };
  const functions = Object.keys(definition.mutators).map((name) => [name, (args: unknown) => call(name, args)] as const);
  return Object.freeze(Object.fromEntries(functions)) as MutateFunctions<Room>; // one function a mutator, as the type says
}
