import { AlcoveError } from '@alcove/core/error';
import { type Json, jsonFrom } from '@alcove/core/json';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { AnyValues } from '@alcove/core/schema/define-room';
import { checkedState } from './checked-state.ts';
import { type CounterTotals, OwnCounter, OwnPlainValue, type OwnValue, type SeenValue } from './own-value.ts';
import { Throttle } from './throttle.ts';

export interface TabValuesOptions {
  readonly runtime: Runtime;
  readonly definitions: AnyValues;
  readonly intervalMs: number;
  /** Keys that are watched or unwritten; past it a set throws. */
  readonly keysMax: number;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
  /** The row of `alcove_values` as the replica shows it now. */
  readRow(name: string, key: string): SeenValue | null;
  /** Offers are numbered from here on: above all that an earlier engine of the same client made. */
  readonly offersFrom: number;
  /** `change`: the newest set or addition that is taken into account. `totals`: of a counter that was added to. */
  onShown(name: string, key: string, shown: ShownValue, change: number, totals: CounterTotals | null): void;
}

export interface ShownValue {
  /** Undefined: it was never set. */
  readonly value: Json | undefined;
  readonly pending: boolean;
  readonly updatedBy: string | null;
}

/** Until welcome tells the room's own bound. */
const VALUE_BYTES_MAX = 100_000;

/** One name and key that is watched, or set here and not written. */
interface Entry {
  readonly name: string;
  readonly key: string;
  isWatched: boolean;
  own: OwnValue | null;
  /** Something of `own` was not offered yet. */
  isDue: boolean;
  wantsFlush: boolean;
  row: SeenValue | null;
  /** Who set what has this seq, as last heard. */
  by: { readonly seq: number; readonly userId: string | null } | null;
  shown: ShownValue | null;
  /** Number its caller gave the newest set or addition, and the one that was shown last. */
  change: number;
  shownChange: number;
}

interface Told extends SeenValue {
  readonly updatedBy: string | null;
  readonly written: boolean;
}

/**
 * Debounced values as one tab sees and sets them. What is shown: what this tab set and does not know to be written, else the later of what the room has
 * unwritten and the row of `alcove_values`. An own value is offered until it is seen in the row, across reconnects and restarts of the room.
 */
export class TabValues {
  readonly #options: TabValuesOptions;
  readonly #entries = new Map<string, Entry>();
  /** What the room holds unwritten, and what it wrote that the row does not show yet. */
  readonly #ephemeral = new Map<string, Told>();
  readonly #throttle: Throttle;
  /** What the room had no place for; offered again when the timer fires, or in the next session. */
  readonly #refusedForNow = new Set<Entry>();
  #again: Timer | null = null;
  #boot = '';
  #offer: number;
  #valueBytesMax = VALUE_BYTES_MAX;

  constructor(options: TabValuesOptions) {
    this.#options = options;
    this.#offer = options.offersFrom;
    this.#throttle = new Throttle(options.runtime, options.intervalMs, () => this.#offerDue());
  }

  /** Values set here that are not known to be written. */
  get unwritten(): number {
    return [...this.#entries.values()].filter(({ own }) => own !== null && !own.isWritten).length;
  }

  watch(name: string, key: string): void {
    const entry = this.#entryOf(name, key);
    entry.isWatched = true;
    this.#show(entry, true);
  }

  unwatch(name: string, key: string): void {
    const entry = this.#entries.get(idOf(name, key));
    if (entry === undefined) return;
    entry.isWatched = false;
    this.#dropIfUnused(entry);
  }

  /** @throws AlcoveError `value_unknown`, `value_invalid`, `value_too_large`, `overloaded` past the bound of keys. */
  set(name: string, key: string, input: Json, change = 0): void {
    const definition = Object.hasOwn(this.#options.definitions, name) ? this.#options.definitions[name] : undefined;
    if (definition?.kind !== 'value') throw unknown(name, definition === undefined ? 'value' : 'plain value; it is a counter, add to it');
    const json = jsonFrom(input, 'value_invalid', `value ${name}`);
    const value = checkedState(definition.schema, json, `value ${name}`, 'value_invalid');
    const characters = JSON.stringify(value).length;
    if (characters > this.#valueBytesMax) {
      throw new AlcoveError('value_too_large', `value ${name} has ${characters} characters of JSON; the limit is ${this.#valueBytesMax}`);
    }
    const entry = this.#entryOf(name, key);
    const own = entry.own instanceof OwnPlainValue ? entry.own : new OwnPlainValue();
    entry.own = own;
    own.set(json, value);
    this.#changed(entry, change);
  }

  /** @throws AlcoveError `value_unknown`, `value_invalid`, `overloaded`. */
  add(name: string, key: string, delta: number, change = 0): void {
    if (!Number.isFinite(delta)) throw new AlcoveError('value_invalid', `${delta} cannot be added to counter ${name}`);
    const entry = this.#counterEntry(name, key);
    const own = entry.own instanceof OwnCounter ? entry.own : new OwnCounter();
    entry.own = own;
    own.add(delta);
    this.#changed(entry, change);
  }

  /** Goes on with a counter where an earlier engine of the same client was, before anything is added. @throws AlcoveError `value_unknown`, `overloaded`. */
  restore(name: string, key: string, totals: CounterTotals, change: number): void {
    const entry = this.#counterEntry(name, key);
    entry.own = new OwnCounter(totals);
    this.#changed(entry, change);
  }

  #counterEntry(name: string, key: string): Entry {
    const definition = Object.hasOwn(this.#options.definitions, name) ? this.#options.definitions[name] : undefined;
    if (definition?.kind !== 'counter') throw unknown(name, definition === undefined ? 'value' : 'counter; it is a plain value, set it');
    return this.#entryOf(name, key);
  }

  /** Asks for the row to be written now; said again in the next session while something is unwritten. */
  flush(name: string, key: string): void {
    const entry = this.#entries.get(idOf(name, key));
    if (entry?.own === null || entry === undefined || entry.own.isWritten) {
      this.#options.send({ type: 'flush', name, key });
      return;
    }
    entry.wantsFlush = true;
    this.offerNow();
  }

  /** Offers what waits for its turn. */
  offerNow(): void {
    this.#throttle.cancel();
    this.#offerDue();
  }

  #changed(entry: Entry, change: number): void {
    entry.change = change;
    entry.isDue = entry.own?.isWritten === false;
    this.#show(entry);
    this.#throttle.wish();
  }

  #offerDue(): void {
    for (const entry of this.#entries.values()) {
      if (entry.own === null) continue;
      if (entry.isDue && this.#offerOwn(entry, entry.own, this.#offer + 1)) this.#offer += 1;
      if (entry.wantsFlush && !entry.isDue && this.#options.send({ type: 'flush', name: entry.name, key: entry.key }))
        entry.wantsFlush = false;
    }
  }

  /** Sends an offer; a new number is a new offer, an earlier one the same again. */
  #offerOwn({ name, key }: Entry, own: OwnValue, offer: number): boolean {
    const { taken, toOffer } = own;
    const again = offer === own.offer && taken !== null ? { taken } : {};
    if (!this.#options.send({ type: 'value', name, key, value: toOffer, offer, ...again })) return false;
    const entry = this.#entries.get(idOf(name, key));
    if (entry !== undefined) entry.isDue = false;
    if (offer !== own.offer) own.offered(offer);
    return true;
  }

  /** A session of the room's start `boot`: its values follow as a reset; what is unwritten here is offered again. */
  welcomed(boot: string, valueBytesMax: number): void {
    this.#valueBytesMax = valueBytesMax;
    if (boot !== this.#boot) this.#ephemeral.clear();
    this.#boot = boot;
    for (const entry of this.#entries.values()) {
      this.#offerUnwritten(entry);
      this.#show(entry);
    }
    this.#offerDue();
  }

  lost(): void {
    this.close();
    this.#refusedForNow.clear();
  }

  values({ reset, boot, entries }: ServerMessageOf<'values'>): void {
    if (boot !== this.#boot) return;
    const touched = new Set<string>(reset ? this.#ephemeral.keys() : []);
    if (reset) this.#ephemeral.clear();
    for (const { name, key, value, seq, written, updatedBy } of entries) {
      const id = idOf(name, key);
      touched.add(id);
      const known = this.#ephemeral.get(id);
      if (known === undefined || known.seq <= seq) this.#ephemeral.set(id, { value, seq, updatedBy, written });
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.by = { seq, userId: updatedBy };
      // Its row is here or on its way; nobody looks.
      else if (written) this.#ephemeral.delete(id);
    }
    for (const id of touched) this.#refresh(id);
  }

  taken({ name, key, offer, boot, seq }: ServerMessageOf<'valueTaken'>): void {
    const id = idOf(name, key);
    this.#entries.get(id)?.own?.takenAs(offer, { boot, seq });
    this.#refresh(id);
  }

  /** The room refused an offer of this name; without key and number, all that have no answer. Gives the keys that were taken back. */
  refused(name: string, key: string | undefined, offer: number | undefined): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.name !== name || (key !== undefined && entry.key !== key) || entry.own === null) continue;
      entry.own.refused(offer ?? entry.own.offer);
      entry.isDue = entry.isDue && !entry.own.isWritten;
      this.#show(entry);
      this.#dropIfUnused(entry);
    }
  }

  /** The room has no place for the offer just now. It stays and is shown, and is made again after `retryAfterMs`. */
  refusedForNow(name: string, key: string, offer: number, retryAfterMs: number): void {
    const entry = this.#entries.get(idOf(name, key));
    if (entry === undefined || entry.own === null) return;
    if (entry.own instanceof OwnCounter) entry.own.refusedForNow(offer);
    // A newer offer has an answer of its own.
    if (offer !== entry.own.offer) return;
    this.#refusedForNow.add(entry);
    this.#again ??= this.#options.runtime.setTimer(retryAfterMs, () => this.#offerAgain());
  }

  #offerAgain(): void {
    this.#again = null;
    for (const entry of this.#refusedForNow) this.#offerUnwritten(entry);
    this.#refusedForNow.clear();
    this.#throttle.wish();
  }

  /** A plain value that was offered is offered as it was: by its number the room knows what was set later. A counter's total is a new offer each time. */
  #offerUnwritten(entry: Entry): void {
    const { own } = entry;
    if (own === null || own.isWritten) return;
    if (!entry.isDue && own instanceof OwnPlainValue) this.#offerOwn(entry, own, own.offer);
    else entry.isDue = true;
  }

  /** Rows of `alcove_values` changed under these names and keys; null: any may have. */
  rowsChanged(keys: readonly (readonly [name: string, key: string])[] | null): void {
    const ids = keys === null ? [...this.#entries.keys()] : keys.map(([name, key]) => idOf(name, key));
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      entry.row = this.#options.readRow(entry.name, entry.key);
      this.#refresh(id);
    }
  }

  #refresh(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const ephemeral = this.#ephemeral.get(id);
    if (entry.row !== null) {
      entry.own?.seenWritten(entry.row.seq, this.#boot);
      if (ephemeral?.written === true && entry.row.seq >= ephemeral.seq) this.#ephemeral.delete(id);
    }
    this.#show(entry);
    this.#dropIfUnused(entry);
  }

  #show(entry: Entry, always = false): void {
    const ephemeral = this.#ephemeral.get(idOf(entry.name, entry.key)) ?? null;
    const below = ephemeral !== null && ephemeral.seq >= (entry.row?.seq ?? 0) ? ephemeral : entry.row;
    const { own } = entry;
    const isOwn = own !== null && !own.isWritten;
    const value = own === null ? below?.value : own.shown(below, this.#boot);
    const shown: ShownValue = { value, pending: isOwn, updatedBy: below !== null && below.seq === entry.by?.seq ? entry.by.userId : null };
    const before = entry.shown;
    const isNews = always || before === null || !isSame(before, shown) || entry.shownChange !== entry.change;
    entry.shown = shown;
    entry.shownChange = entry.change;
    const totals = own instanceof OwnCounter ? own.totals : null;
    if (entry.isWatched && isNews) this.#options.onShown(entry.name, entry.key, shown, entry.change, totals);
  }

  #entryOf(name: string, key: string): Entry {
    const id = idOf(name, key);
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    if (!Object.hasOwn(this.#options.definitions, name)) throw unknown(name, 'value');
    if (this.#entries.size >= this.#options.keysMax) {
      throw new AlcoveError('overloaded', `${this.#entries.size} values are watched or unwritten; the bound is ${this.#options.keysMax}`);
    }
    const row = this.#options.readRow(name, key);
    const entry: Entry = {
      name,
      key,
      isWatched: false,
      own: null,
      isDue: false,
      wantsFlush: false,
      row,
      by: null,
      shown: null,
      change: 0,
      shownChange: 0,
    };
    const ephemeral = this.#ephemeral.get(id);
    if (ephemeral !== undefined) entry.by = { seq: ephemeral.seq, userId: ephemeral.updatedBy };
    this.#entries.set(id, entry);
    return entry;
  }

  /** A counter's total is remembered: the room counts on from it. */
  #dropIfUnused(entry: Entry): void {
    if (entry.own instanceof OwnPlainValue && entry.own.isWritten) entry.own = null;
    if (!entry.isWatched && entry.own === null) this.#entries.delete(idOf(entry.name, entry.key));
  }

  /** The room knows no totals of the session's client: it is another one from now on, or was forgotten. Whoever watches hears from which ones it goes on. */
  startOver(): void {
    for (const entry of this.#entries.values()) {
      if (!(entry.own instanceof OwnCounter)) continue;
      entry.own = entry.own.restarted();
      this.#show(entry, true);
    }
  }

  close(): void {
    this.#throttle.cancel();
    this.#again?.cancel();
    this.#again = null;
  }
}

const idOf = (name: string, key: string): string => JSON.stringify([name, key]);
const unknown = (name: string, what: string): AlcoveError =>
  new AlcoveError('value_unknown', `${JSON.stringify(name)} is no ${what} of the room`);
const isSame = (a: ShownValue, b: ShownValue): boolean =>
  a.pending === b.pending && a.updatedBy === b.updatedBy && (a.value === b.value || JSON.stringify(a.value) === JSON.stringify(b.value));
