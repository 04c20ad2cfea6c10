import type { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { CounterTotals } from '../presence/own-value.ts';
import type { ValueNotice } from '../sync/engine-interface.ts';
import type { EngineOrder } from '../worker/engine-port.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';

/** A debounced value as it is shown here. */
export interface ValueState<Value> {
  /** Undefined where it was never set, and before the first word of it. */
  readonly value: Value | undefined;
  /** An own change is not known to be on the server's disk. */
  readonly pending: boolean;
  /** User who changed it last, where known. */
  readonly updatedBy: string | null;
  /** Why the last own change was refused; gone with the next one. */
  readonly error: AlcoveError | undefined;
}

/** One debounced value: shown everywhere at once, written at most once per interval. */
export interface DebouncedValue<Value> extends Readable<ValueState<Value>> {
  /** Shows it here and to everybody at once; the room writes the last one once per interval. What is refused stands in `error`. */
  set(value: Value): void;
  /** Counters only: adds to what everybody adds. */
  add(delta: number): void;
  /** Writes what is unwritten now, without waiting for the interval. */
  flush(): void;
}

const UNKNOWN: ValueState<never> = { value: undefined, pending: false, updatedBy: null, error: undefined };

/** A change made here that the engine has not said to be written. `value`: what was set; undefined: something was added. */
interface OwnChange {
  readonly change: number;
  readonly value: Json | undefined;
}

/**
 * A value on the page. What is set here is shown until the engine has taken it into account: notices that were on their way before say nothing of it. While a
 * change is not written the value is watched, subscribed to or not, so that a replaced engine is told of it, and of nothing that was written long ago.
 */
export class PageValue implements DebouncedValue<unknown> {
  readonly name: string;
  readonly key: string;
  /** Returns whether there is an engine to tell. */
  readonly #tell: (order: EngineOrder) => boolean;
  readonly #state: Observable<ValueState<unknown>>;
  #watching = false;
  #own: OwnChange | null = null;
  /** The one before it, where that is not known to be written either: it stands if the newer one is refused. */
  #before: OwnChange | null = null;
  #change = 0;
  /** Of a counter: what was added here in all, and what of that is known to be written. Null: nothing was. */
  #totals: CounterTotals | null = null;

  constructor(name: string, key: string, tell: (order: EngineOrder) => boolean) {
    this.name = name;
    this.key = key;
    this.#tell = tell;
    this.#state = new Observable<ValueState<unknown>>(UNKNOWN, { onUsed: () => this.#watch(), onUnused: () => this.#unwatchUnused() });
    this.subscribe = this.#state.subscribe;
    this.getSnapshot = this.#state.getSnapshot;
  }

  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => ValueState<unknown>;

  get isUnwritten(): boolean {
    return this.#own !== null;
  }

  set(value: unknown): void {
    // The engine checks it against the room's validator.
    const json = value as Json;
    const change = this.#changed(json);
    this.#show({ value, pending: true, updatedBy: null, error: undefined });
    this.#tell({ type: 'setValue', name: this.name, key: this.key, value: json, change });
  }

  add(delta: number): void {
    const before = this.getSnapshot().value;
    const change = this.#changed(undefined);
    this.#show({ value: (typeof before === 'number' ? before : 0) + delta, pending: true, updatedBy: null, error: undefined });
    this.#totals = { total: (this.#totals?.total ?? 0) + delta, written: this.#totals?.written ?? 0 };
    this.#tell({ type: 'addToCounter', name: this.name, key: this.key, delta, change });
  }

  flush(): void {
    this.#tell({ type: 'flushValue', name: this.name, key: this.key });
  }

  /** A new engine knows nothing of what was set. A counter goes on from its total, of which the room knows how much it has counted. */
  attach(): void {
    const own = this.#own;
    if (this.#watching) this.#tell({ type: 'watchValue', name: this.name, key: this.key });
    if (own?.value !== undefined) this.#tell({ type: 'setValue', name: this.name, key: this.key, value: own.value, change: own.change });
    if (this.#totals !== null) {
      this.#tell({ type: 'restoreCounter', name: this.name, key: this.key, totals: this.#totals, change: own?.change ?? 0 });
    }
  }

  /** @param clientId The client whose session it is now: totals of another one are not its. */
  hear(notice: ValueNotice, clientId: string): void {
    if (this.#own !== null && notice.change !== this.#own.change) return;
    if (notice.counter?.clientId === clientId) this.#totals = { total: notice.counter.total, written: notice.counter.written };
    this.#before = null;
    if (!notice.pending) this.#own = null;
    this.#show({ value: notice.value, pending: notice.pending, updatedBy: notice.updatedBy, error: this.getSnapshot().error });
    this.#unwatchUnused();
  }

  /** Another client from now on, of which the room has counted nothing: what is not written goes on under it. */
  startOver(): void {
    if (this.#totals !== null) this.#totals = { total: this.#totals.total - this.#totals.written, written: 0 };
  }

  /** @param change The one that was refused; undefined: the newest. A later one stands, and has an answer of its own. */
  refused(error: AlcoveError, change?: number): void {
    if (this.#before !== null && change === this.#before.change) this.#before = null;
    if (this.#own !== null && change !== undefined && change !== this.#own.change) return;
    this.#own = this.#before;
    this.#before = null;
    this.#show({ ...this.getSnapshot(), pending: this.#own !== null, error });
    // The engine's own view of it follows.
    if (this.#watching) this.#tell({ type: 'watchValue', name: this.name, key: this.key });
    this.#unwatchUnused();
  }

  #changed(value: Json | undefined): number {
    this.#change += 1;
    this.#before = this.#own;
    this.#own = { change: this.#change, value };
    this.#watch();
    return this.#change;
  }

  #show(state: ValueState<unknown>): void {
    const before = this.getSnapshot();
    const same = Object.is(before.value, state.value) && before.pending === state.pending && before.updatedBy === state.updatedBy;
    if (!same || before.error !== state.error) this.#state.set(state);
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#tell({ type: 'watchValue', name: this.name, key: this.key });
  }

  #unwatchUnused(): void {
    if (!this.#watching || this.#state.used || this.#own !== null) return;
    this.#watching = false;
    this.#tell({ type: 'unwatchValue', name: this.name, key: this.key });
  }
}
