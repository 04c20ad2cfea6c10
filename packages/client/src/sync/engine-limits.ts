import { AlcoveError } from '@alcove/core/error';
import { nearest } from '@alcove/core/unknown-keys';

/** Bounds of one engine; each with its behaviour at the edge. */
export interface EngineLimits {
  /**
   * Mutations of the room pending on this device, and their bytes as JSON: of this tab, taken over, and of other tabs as far as this one heard of them; past either, `mutate` throws `outbox_full`.
   * What was taken before stays, and is taken over.
   */
  readonly outboxMutationsMax: number;
  readonly outboxBytesMax: number;
  /** Mutations pushed and not answered; more wait in the outbox. */
  readonly pushWindowMutationsMax: number;
  /** One message of the room, before and after inflating; a larger one ends the connection. */
  readonly messageBytesMax: number;
  /** Live queries of one engine; past it `watch` answers with status `error`, code `overloaded`. */
  readonly liveQueriesMax: number;
  /** Rows of one query's result; more are an error `result_too_large`. */
  readonly resultRowsMax: number;
  /** Reads on the server under way at once; more wait for one of them to end, at most so many: past it `overloaded`. */
  readonly serverReadsMax: number;
  readonly serverReadsQueuedMax: number;
  /** Past its `waitMs` and this a read that has no answer is given up, with `query_timeout`. */
  readonly serverReadTimeoutMs: number;
  /** Time a step of hydrating or re-running takes before it yields, in ms. */
  readonly stepBudgetMs: number;
  /** Rows and statements of one optimistic run. */
  readonly mutationRowsMax: number;
  readonly mutationStatementsMax: number;
  readonly mutationTimeMs: number;
  /** From opening a socket to its welcome. */
  readonly connectTimeoutMs: number;
  /** An image of which nothing came for so long is fetched anew. */
  readonly imageStallMs: number;
  /** First and longest backoff between attempts. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Cursors, and presence with ephemeral keys, are sent at most this often. */
  readonly cursorIntervalMs: number;
  readonly presenceIntervalMs: number;
  /** New values are offered at most this often. */
  readonly valueIntervalMs: number;
  /** Others' presence, cursors and states are kept this long after the connection ended. */
  readonly ephemeralKeepMs: number;
  /** Own ephemeral keys, and values being watched or unwritten; past it a set throws `overloaded`. */
  readonly ephemeralKeysMax: number;
  /** Bytes queued on the socket past which states wait, and past which nothing more is pushed. */
  readonly stateBacklogBytesMax: number;
  readonly pushBacklogBytesMax: number;
}

export const ENGINE_LIMITS: EngineLimits = {
  outboxMutationsMax: 100_000,
  outboxBytesMax: 64 * 1024 * 1024,
  pushWindowMutationsMax: 500,
  messageBytesMax: 64 * 1024 * 1024, // a commit is whole, and may be far larger than what its mutations said
  liveQueriesMax: 10_000,
  resultRowsMax: 1_000_000,
  serverReadsMax: 6, // of the 8 that a server takes of one user by default: two tabs that are busy at once are told to wait a little
  serverReadsQueuedMax: 1_000,
  serverReadTimeoutMs: 30_000, // a server ends a statement after 5 s by default
  stepBudgetMs: 8, // half a frame of a page at 60 Hz
  mutationRowsMax: 100_000,
  mutationStatementsMax: 100_000,
  mutationTimeMs: 5_000,
  connectTimeoutMs: 15_000,
  imageStallMs: 20_000,
  backoffMinMs: 250,
  backoffMaxMs: 15_000,
  cursorIntervalMs: 40,
  presenceIntervalMs: 50,
  valueIntervalMs: 40,
  ephemeralKeepMs: 10_000,
  ephemeralKeysMax: 10_000,
  stateBacklogBytesMax: 256 * 1024,
  pushBacklogBytesMax: 256 * 1024, // more in flight gains nothing, and keeps pings waiting
};

/** @throws AlcoveError `option_invalid` naming the limit that is no whole number ≥ 1. */
export function resolveEngineLimits(given: Partial<EngineLimits> = {}): EngineLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(ENGINE_LIMITS, name))
      throw new AlcoveError('option_invalid', `limits.${name} is not a limit of the client${meant(name)}`);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new AlcoveError('option_invalid', `limits.${name} must be a whole number of at least 1, not ${value}`);
  }
  return { ...ENGINE_LIMITS, ...given };
}

function meant(name: string): string {
  const near = nearest(name, Object.keys(ENGINE_LIMITS));
  return near === undefined ? '' : `: did you mean ${near}?`;
}
