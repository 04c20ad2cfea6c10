import type { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { ValueNotice } from '../sync/engine-interface.ts';
import type { EngineOrder } from '../worker/engine-port.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';

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
  set(value: Value): void;
  /** Counters only: adds to what everybody adds. */
  add(delta: number): void;
  /** Writes what is unwritten now, without waiting for the interval. */
  flush(): void;
}

const UNKNOWN: ValueState<never> = { value: undefined, pending: false, updatedBy: null, error: undefined };

export class PageValue implements DebouncedValue<unknown> {
  readonly name: string;
  readonly key: string;
  /** Returns whether there is an engine to tell. */
  readonly #tell: (order: EngineOrder) => boolean;
  readonly #state: Observable<ValueState<unknown>>;
  #watching = false;
  /** Own value not known to be written, to be set again in an engine that knows nothing of it. */
  #unwritten: { readonly value: Json } | null = null;
  /** Added to the counter while there was no engine. */
  #untoldDelta = 0;

  constructor(name: string, key: string, tell: (order: EngineOrder) => boolean) {
    this.name = name;
    this.key = key;
    this.#tell = tell;
    this.#state = new Observable<ValueState<unknown>>(UNKNOWN, { onUsed: () => this.#watch(), onUnused: () => this.#unwatch() });
    this.subscribe = this.#state.subscribe;
    this.getSnapshot = this.#state.getSnapshot;
  }

  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => ValueState<unknown>;

  set(value: unknown): void {
    // The engine checks it against the room's validator.
    const json = value as Json;
    this.#unwritten = { value: json };
    this.#show({ ...this.getSnapshot(), value, pending: true, error: undefined });
    this.#tell({ type: 'setValue', name: this.name, key: this.key, value: json });
  }

  add(delta: number): void {
    const before = this.getSnapshot().value;
    this.#show({ ...this.getSnapshot(), value: (typeof before === 'number' ? before : 0) + delta, pending: true, error: undefined });
    if (!this.#tell({ type: 'addToCounter', name: this.name, key: this.key, delta })) this.#untoldDelta += delta;
  }

  flush(): void {
    this.#tell({ type: 'flushValue', name: this.name, key: this.key });
  }

  /** A new engine knows nothing of what was set. What a dead engine was told of a counter is not added again: it may have offered it. */
  attach(): void {
    // Set before it is watched: the first word on a watched value would else be that nothing is pending.
    if (this.#unwritten !== null) this.#tell({ type: 'setValue', name: this.name, key: this.key, value: this.#unwritten.value });
    const delta = this.#untoldDelta;
    this.#untoldDelta = 0;
    if (delta !== 0) this.#tell({ type: 'addToCounter', name: this.name, key: this.key, delta });
    if (this.#watching) this.#tell({ type: 'watchValue', name: this.name, key: this.key });
  }

  hear(notice: ValueNotice): void {
    if (!notice.pending) this.#unwritten = null;
    this.#show({ value: notice.value, pending: notice.pending, updatedBy: notice.updatedBy, error: undefined });
  }

  refused(error: AlcoveError): void {
    this.#unwritten = null;
    this.#show({ ...this.getSnapshot(), pending: false, error });
    // The engine's own view of it follows.
    if (this.#watching) this.#tell({ type: 'watchValue', name: this.name, key: this.key });
  }

  #show(state: ValueState<unknown>): void {
    const before = this.getSnapshot();
    const same = Object.is(before.value, state.value) && before.pending === state.pending && before.updatedBy === state.updatedBy;
    if (!same || before.error !== state.error) this.#state.set(state);
  }

  #watch(): void {
    this.#watching = true;
    this.#tell({ type: 'watchValue', name: this.name, key: this.key });
  }

  #unwatch(): void {
    this.#watching = false;
    this.#tell({ type: 'unwatchValue', name: this.name, key: this.key });
  }
}
