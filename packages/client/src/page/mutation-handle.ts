import type { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';

/**
 * Where one mutation is.
 * `waiting`: not yet run in the tab. `pending`: shown and in the outbox, the room has not decided. `applied`, `rejected`: the room's word, its rows are here.
 * `lost`: it was applied, and the room was then restored to a state without it.
 * `failed`: its run in the tab threw, it was never sent. `unknown`: the room forgot the client; whether it took effect is not known.
 */
export type MutationStatus = 'waiting' | 'pending' | 'applied' | 'rejected' | 'failed' | 'unknown' | 'lost';

/** What `room.mutate.x(…)` returns. Its promises may be left alone: what they reject with stands in `useSyncStatus().rejected`, too. */
export interface MutationHandle {
  /** The mutator's name. */
  readonly name: string;
  /** What was handed to it, as JSON. */
  readonly args: Json;
  /** As it is now; not observable: `room.pending` and `room.rejected` are. */
  readonly status: MutationStatus;
  /**
   * The mutation ran in the tab and is in the outbox on this device's disk: it survives the tab. Where nothing is kept (`useSyncStatus().storage` is `off`) it is in the tab's memory.
   * Rejects with the run's error: then nothing was sent; and with `closed` where the room was closed before it was known to be there: then nobody can tell.
   */
  readonly local: Promise<void>;
  /** The room applied it, at this version, and its rows are here; a room that loses it later says so in `status` and in `rejected`. Rejects with what the room said, or with `local`'s error. */
  readonly confirmed: Promise<{ readonly version: number }>;
}

/** The page's own side of a handle. */
export class TrackedMutation implements MutationHandle {
  readonly name: string;
  readonly args: Json;
  readonly seed: string;
  readonly nowMs: number;
  readonly local: Promise<void>;
  readonly confirmed: Promise<{ readonly version: number }>;
  /** Number among this page's calls; a key for lists that outlives the mutation's change of name. */
  readonly callId: number;
  #status: MutationStatus = 'waiting';
  #isSaved = false;
  #issues = 1;
  #attempts = 0;
  #decidedAtMs: number | null = null;
  #error: AlcoveError | null = null;
  #condemnedBy: AlcoveError | null = null;
  readonly #settle: {
    local: { resolve: () => void; reject: (error: AlcoveError) => void };
    confirmed: { resolve: (at: { version: number }) => void; reject: (error: AlcoveError) => void };
  };

  constructor(call: { callId: number; name: string; args: Json; seed: string; nowMs: number }) {
    this.callId = call.callId;
    this.name = call.name;
    this.args = call.args;
    this.seed = call.seed;
    this.nowMs = call.nowMs;
    const local = settleable<void>();
    const confirmed = settleable<{ readonly version: number }>();
    this.local = local.promise;
    this.confirmed = confirmed.promise;
    this.#settle = { local: { resolve: () => local.resolve(), reject: local.reject }, confirmed };
  }

  get status(): MutationStatus {
    return this.#status;
  }

  /** Why it came to nothing, or, of a pending one, why it was not taken for now or is not run here. */
  get error(): AlcoveError | null {
    return this.#error;
  }

  /** How often it was sent in vain. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Wall time when its fate was heard; null: it has none yet. */
  get decidedAtMs(): number | null {
    return this.#decidedAtMs;
  }

  /** It was sent in vain, and is sent again. `error`: what the room said, if it said anything. */
  attempted(error: AlcoveError | null): void {
    if (this.#decidedAtMs !== null) return;
    this.#attempts += 1;
    this.#error = error ?? this.#condemnedBy;
  }

  /** In the outbox, it is not run here any more: the room decides. */
  condemn(error: AlcoveError): void {
    if (this.#decidedAtMs !== null) return;
    this.#condemnedBy = error;
    this.#error = error;
  }

  get isCondemned(): boolean {
    return this.#condemnedBy !== null;
  }

  /** It is in the outbox. */
  ran(): void {
    if (this.#status === 'waiting') this.#status = 'pending';
  }

  /** It is in the outbox on the disk, or nothing is to be kept. */
  saved(): void {
    this.ran();
    this.#isSaved = true;
    this.#settle.local.resolve();
  }

  /** It never came to the disk. */
  unkept(error: AlcoveError): void {
    this.#settle.local.reject(error);
  }

  /** How often it was handed to the room under another name, the first time counted. */
  get issues(): number {
    return this.#issues;
  }

  /** It goes to the room under another name; it is in the outbox, and not yet on the disk under that one. */
  again(): void {
    this.ran();
    this.#issues += 1;
    this.#isSaved = false;
  }

  get isSaved(): boolean {
    return this.#isSaved;
  }

  applied(version: number, nowMs: number): void {
    this.saved();
    this.#status = 'applied';
    this.#decidedAtMs = nowMs;
    this.#error = null;
    this.#settle.confirmed.resolve({ version });
  }

  /** `confirmed` was kept when it was said; it holds no more. */
  lost(error: AlcoveError, nowMs: number): void {
    this.#status = 'lost';
    this.#decidedAtMs = nowMs;
    this.#error = error;
  }

  /** `failed` before it was sent, `rejected` by the room, or `unknown`. */
  ended(status: 'failed' | 'rejected' | 'unknown', error: AlcoveError, nowMs: number): void {
    // What was rejected may still come to the disk; of the others only those survive the tab that were told so before.
    if (status !== 'rejected') this.unkept(error);
    this.#status = status;
    this.#decidedAtMs = nowMs;
    this.#error = error;
    this.#settle.confirmed.reject(error);
  }
}

/** A promise whose rejection nobody has to handle: who wants to know looks at it, the others find it in the status. */
function settleable<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void; reject: (error: AlcoveError) => void } {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: AlcoveError) => void = () => undefined;
  const promise = new Promise<Value>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
