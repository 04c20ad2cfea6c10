import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { MutationName } from '../outbox/client-names.ts';
import type { EngineClient } from '../sync/engine-interface.ts';
import type { MutateAnswer } from '../worker/engine-port.ts';
import type { TrackedMutation } from './mutation-handle.ts';
import { minted } from './taken-mutations.ts';

/** Mutations handed to the engine in one call; small enough that a mutation called meanwhile waits for few. */
const BATCH_MAX = 50;

/** What came of a batch, of mutations that had no fate before. */
export interface AnsweredBatch {
  readonly taken: readonly (readonly [mutationId: number, mutation: TrackedMutation])[];
  /** Taken under a client that was stopped meanwhile: they share its end. */
  readonly stopped: readonly TrackedMutation[];
  readonly failed: { readonly mutation: TrackedMutation; readonly error: ErrorBody } | null;
}

/**
 * A page's calls on their way into its engine, and the client under whose ids they get there. One batch at a time, and an id is used again only for a mutation that
 * was not taken: so ids have no gaps, and an engine that died is handed the same mutations under the same ids.
 *
 * ```
 * add* → next → ( answered | again ) → add* → next …
 * ```
 */
export class OutgoingCalls {
  #client: EngineClient;
  /** Called and without an id. */
  #waiting: TrackedMutation[] = [];
  /** Handed to the engine under this client and not answered: ids follow on `#client.lastMutationId`. */
  #handed: TrackedMutation[] = [];
  #handedClientId = '';

  constructor(clientId: string) {
    this.#client = freshClient(clientId);
  }

  get client(): EngineClient {
    return this.#client;
  }

  /** Those that no engine is known to have, in order. */
  get untaken(): TrackedMutation[] {
    return [...this.#handed, ...this.#waiting].filter((mutation) => !isEnded(mutation));
  }

  add(mutation: TrackedMutation): void {
    this.#waiting.push(mutation);
  }

  /** What to hand over now, under its ids; null: nothing, or the answer to the last batch is on its way. */
  next(): Mutation[] | null {
    if (this.#handed.length > 0) return null;
    this.#spendIds();
    if (this.#waiting.length === 0) return null;
    const spent = this.#waiting.findIndex(isEnded);
    this.#handed = this.#waiting.splice(0, spent === -1 ? BATCH_MAX : Math.min(spent, BATCH_MAX));
    const { clientId, lastMutationId } = this.#client;
    this.#handedClientId = clientId;
    return this.#handed.map((mutation, index) => minted(mutation, clientId, lastMutationId + 1 + index));
  }

  /** Of those that ended where they stood; the engine fills the gap. */
  #spendIds(): void {
    const first = this.#waiting.findIndex((mutation) => !isEnded(mutation));
    const { length } = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    this.#countOn(length);
  }

  /** The engine says how many of the batch it took, and why not the one behind them. */
  answered({ taken, error }: MutateAnswer): AnsweredBatch {
    const batch = this.#handed;
    this.#handed = [];
    const rest = batch.slice(taken);
    // The room's word may have come first: answers and notices travel on ports of their own.
    const named = batch.slice(0, taken).map((mutation, index) => [this.#client.lastMutationId + 1 + index, mutation] as const);
    const undecided = named.filter(([, mutation]) => !isEnded(mutation));
    if (this.#handedClientId !== this.#client.clientId) {
      // The client was stopped while they were on their way: the rest goes on under the client of now.
      this.#waiting = [...rest, ...this.#waiting];
      return { taken: [], stopped: undecided.map(([, mutation]) => mutation), failed: null };
    }
    this.#countOn(taken);
    if (error === null) return { taken: undecided, stopped: [], failed: null };
    const [mutation, ...behind] = rest;
    this.#waiting = [...behind, ...this.#waiting];
    return { taken: undecided, stopped: [], failed: mutation === undefined ? null : { mutation, error } };
  }

  /** Another engine takes the place of the one before: what that left unanswered is handed over again, under the same ids. */
  again(): void {
    const isOwn = this.#handedClientId === this.#client.clientId;
    const first = this.#handed.findIndex((mutation) => !isEnded(mutation));
    const settled = first === -1 ? this.#handed.length : first;
    if (isOwn) this.#countOn(settled);
    const left = isOwn ? this.#handed.slice(settled) : this.#handed.filter((mutation) => !isEnded(mutation));
    this.#waiting = [...left, ...this.#waiting];
    this.#handed = [];
  }

  /** The one of the batch on its way that goes by this name. */
  handedAs({ clientId, mutationId }: MutationName): TrackedMutation | undefined {
    const isHanded = clientId === this.#client.clientId && clientId === this.#handedClientId;
    return isHanded ? this.#handed[mutationId - this.#client.lastMutationId - 1] : undefined;
  }

  /** Calls go on under this client. */
  become(client: EngineClient): void {
    this.#client = client;
  }

  /** The room had this client at that version. Lower only where the room went on under another history. */
  welcomed(version: number): void {
    this.#client = { ...this.#client, welcomed: Math.min(this.#client.welcomed ?? version, version) };
  }

  /** The room has decided that one. */
  decided({ clientId, mutationId }: MutationName): void {
    if (clientId !== this.#client.clientId) return;
    this.#client = { ...this.#client, confirmed: Math.max(this.#client.confirmed, mutationId) };
  }

  /** What was (`clientId`, n) is (`to`, n − `offset`). */
  rename(clientId: string, to: string, offset: number): void {
    if (clientId !== this.#client.clientId) return;
    const { lastMutationId, welcomed } = this.#client;
    this.#handedClientId = to;
    this.#client = { clientId: to, lastMutationId: lastMutationId - offset, confirmed: 0, welcomed };
  }

  clear(): void {
    this.#waiting = [];
    this.#handed = [];
  }

  #countOn(ids: number): void {
    this.#client = { ...this.#client, lastMutationId: this.#client.lastMutationId + ids };
  }
}

/** One that the room has not heard of. */
export const freshClient = (clientId: string, lastMutationId = 0): EngineClient => ({
  clientId,
  lastMutationId,
  confirmed: 0,
  welcomed: null,
});

const isEnded = ({ status }: TrackedMutation): boolean => status !== 'waiting';
