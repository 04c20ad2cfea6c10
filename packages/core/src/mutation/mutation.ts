import type { Json } from '../json.ts';

/**
 * One recorded call of a mutator, minted whole by the page: (clientId, mutationId) names it, `seed` and `nowMs` make its runs agree.
 * mutationIds of a client are 1, 2, 3 … without gaps.
 */
export interface Mutation {
  readonly clientId: string;
  readonly mutationId: number;
  readonly name: string;
  /** The raw input; each side parses it with the mutator's own validator. */
  readonly args: Json;
  /** 22 characters of base64url. Feeds ctx.random and ctx.id. */
  readonly seed: string;
  /** The page's wall clock in ms when it was called. */
  readonly nowMs: number;
}
