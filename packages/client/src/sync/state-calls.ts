import type { Json } from '@alcove/core/json';
import type { CounterTotals } from '../presence/own-value.ts';
import type { SyncEngine } from './engine-interface.ts';
import type { StateFlow } from './state-flow.ts';

type Calls = Pick<
  SyncEngine,
  | 'setPresence'
  | 'setCursor'
  | 'setEphemeral'
  | 'watchValue'
  | 'unwatchValue'
  | 'setValue'
  | 'restoreCounter'
  | 'addToCounter'
  | 'flushValue'
>;

/** The part of an engine that passes a page's states and values on, as long as it is open. */
export abstract class StateCalls implements Calls {
  protected abstract readonly states: StateFlow;
  protected abstract readonly isClosed: boolean;
  /** @throws AlcoveError `closed` */
  protected abstract assertOpen(): void;

  setPresence(state: Json): void {
    this.assertOpen();
    this.states.own.setPresence(state);
  }

  setCursor(state: Json): void {
    this.assertOpen();
    this.states.own.setCursor(state);
  }

  setEphemeral(name: string, key: string, state: Json): void {
    this.assertOpen();
    this.states.own.setEphemeral(name, key, state);
  }

  watchValue(name: string, key: string): void {
    this.assertOpen();
    this.states.values.watch(name, key);
  }

  unwatchValue(name: string, key: string): void {
    if (!this.isClosed) this.states.values.unwatch(name, key);
  }

  setValue(name: string, key: string, value: Json, change = 0): void {
    this.assertOpen();
    this.states.values.set(name, key, value, change);
  }

  restoreCounter(name: string, key: string, totals: CounterTotals, change: number): void {
    this.assertOpen();
    this.states.values.restore(name, key, totals, change);
  }

  addToCounter(name: string, key: string, delta: number, change = 0): void {
    this.assertOpen();
    this.states.values.add(name, key, delta, change);
  }

  flushValue(name: string, key: string): void {
    this.assertOpen();
    this.states.values.flush(name, key);
  }
}
