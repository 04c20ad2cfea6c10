import { jsonFrom } from '../json.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Mutation } from './mutation.ts';

export interface MutationCall {
  readonly clientId: string;
  readonly mutationId: number;
  readonly name: string;
  /** What the app handed over; undefined counts as null, for mutators without arguments. */
  readonly args: unknown;
  /** Where a plain peer left them out, or a call is issued again under a new id: else fresh ones. */
  readonly seed?: string | undefined;
  readonly nowMs?: number | undefined;
}

/**
 * Records a call of a mutator, for the page and for the room's own calls. The arguments are copied as JSON: what the caller changes later is not in them, and
 * every run sees what the wire will carry.
 *
 * @throws AlcoveError `arguments_invalid` with the path of what JSON cannot carry.
 */
export function mintMutation(call: MutationCall, runtime: Runtime): Mutation {
  return {
    clientId: call.clientId,
    mutationId: call.mutationId,
    name: call.name,
    args: call.args === undefined ? null : jsonFrom(call.args, 'arguments_invalid', `arguments of ${call.name}`),
    seed: call.seed ?? runtime.newId(),
    nowMs: call.nowMs ?? runtime.nowMs(),
  };
}
