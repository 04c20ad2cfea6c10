import { CHANGE_SET_BYTES_MAX } from '@alcove/core/change/capture';
import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyValues } from '@alcove/core/schema/define-room';
import type { ValueDefinition } from '@alcove/core/schema/values';
import type { Database } from '@alcove/core/sqlite/database';
import type { WorkMeter } from '../limits/work-meter.ts';
import { CounterRows } from './counter-rows.ts';
import type { CounterOwner } from './counter-rows.ts';
import { LaneTable } from './lane-table.ts';
import { validated } from './validated.ts';

export interface ValueOffer {
  readonly name: string;
  readonly key: string;
  /** For a counter: the client's running total since its first offer. */
  readonly value: Json;
  /** Rises per client. */
  readonly offer: number;
  /** What an earlier sending of the same offer was answered. */
  readonly taken: { readonly boot: string; readonly seq: number } | null;
  readonly owner: CounterOwner;
  readonly userId: string | null;
}

/** A value as readers are told of it: unwritten, or just written. */
export interface ValueEntry {
  readonly name: string;
  readonly key: string;
  readonly value: Json;
  readonly seq: number;
  readonly written: boolean;
  readonly updatedBy: string | null;
}

/** What one transaction wrote; handed back as it becomes true. */
export interface ValueWrites {
  readonly entries: readonly (ValueEntry & { readonly id: string; readonly isNewRow: boolean })[];
  /** Clients whose counters are part of rows now: they must be remembered, see alcove_clients. */
  readonly owners: readonly CounterOwner[];
}

export interface ValueBounds {
  readonly valueBytesMax: number;
  readonly keyCharactersMax: number;
  readonly valueKeysMax: number;
  readonly unwrittenValueBytesMax: number;
  readonly unwrittenValueBytesHard: number;
  readonly retryAfterMs: number;
}

interface Unwritten {
  entry: ValueEntry;
  dueMs: number;
  bytes: number;
  /** Clients that set it since it was last written: their leave writes it. */
  readonly setters: Set<string>;
  /** Running totals that are not part of the row yet; empty for plain values. */
  readonly totals: Map<string, { readonly total: number; readonly offer: number; readonly owner: CounterOwner }>;
}

/** Bytes of values that one transaction writes, rows before and after counted: well below what a commit may hold, whatever mutations it holds too. */
const COMMIT_BYTES_MAX = CHANGE_SET_BYTES_MAX / 2;
/** What a row costs beside its text, see changeSetBytes. */
const ROW_BYTES = 64;
/** About what memory holds of each client that set an unwritten value: its id, its group and subject, its total. */
const SETTER_BYTES = 512;

/** Seqs of one start of the room; a room may start two million times before 2^53 is reached. */
const SEQS_PER_BOOT = 2 ** 32;

/**
 * Debounced values: shown to everybody at once through `lane`, written to `alcove_values` at most once per interval and at the latest one interval
 * after the first unwritten change, or earlier where somebody asks.
 *
 * ```
 * offer … → due → transaction( write ) → COMMIT → written → durable → told        a failed transaction → postpone
 * ```
 *
 * `seq` rises over all values and all starts of the room (number of the start × 2^32 + n, the start counted durably before the first is given): a row whose
 * seq is at least that of an offer holds that offer's value or one set after it. So an offer that comes again, after a lost answer or a crash of the
 * server, is recognised by the seq it was given, and never overwrites what was set later. What was offered and not written is in memory only: after a
 * crash the row's seq is lower than the one in the setter's hands, and its offer, made again, is taken anew.
 *
 * Counters keep for each client what of its running total is part of the row, in the same transaction. Offering a total again therefore adds nothing,
 * across a crash too, as long as the room remembers the client; offers of a forgotten one must be refused before they come here. A page load is a
 * client of its own and its totals begin at 0, so what a page had not got written when it ended is lost with it.
 */
export class DebouncedValues {
  readonly lane: LaneTable<ValueEntry>;
  readonly #definitions: AnyValues;
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #counters: CounterRows;
  readonly #bounds: ValueBounds;
  readonly #work: WorkMeter;
  readonly #unwritten = new Map<string, Unwritten>();
  #seq: number;
  #rows: number;
  #bytes = 0;
  #postponedUntilMs = 0;

  constructor(database: Database, runtime: Runtime, definitions: AnyValues, boots: number, bounds: ValueBounds, work: WorkMeter) {
    this.#work = work;
    this.#runtime = runtime;
    this.lane = new LaneTable(bounds.valueKeysMax);
    this.#definitions = definitions;
    this.#database = database;
    this.#counters = new CounterRows(database);
    this.#bounds = bounds;
    this.#seq = boots * SEQS_PER_BOOT;
    this.#rows = Number(database.prepare('SELECT count(*) FROM alcove_values').get()?.[0] ?? 0);
  }

  /** How many values hold something unwritten. */
  get unwritten(): number {
    return this.#unwritten.size;
  }

  /** What that takes, setters included. */
  get unwrittenBytes(): number {
    return this.#bytes;
  }

  get nextDueMs(): number | null {
    let next: number | null = null;
    for (const { dueMs } of this.#unwritten.values()) next = next === null ? dueMs : Math.min(next, dueMs);
    return next !== null && this.#isOverBound ? Math.min(next, this.#postponedUntilMs) : next;
  }

  isCounter(name: string): boolean {
    return Object.hasOwn(this.#definitions, name) && this.#definitions[name]?.kind === 'counter';
  }

  /** So many bytes wait that they are to be written at once; not where that has just failed. */
  isPressed(nowMs: number): boolean {
    return this.#isOverBound && nowMs >= this.#postponedUntilMs;
  }

  get #isOverBound(): boolean {
    return this.#bytes > this.#bounds.unwrittenValueBytesMax;
  }

  /**
   * Takes an offer, shows it, and gives the seq that stands for it.
   * @throws AlcoveError `value_unknown`, `value_invalid`, `value_too_large`: nothing was taken, offering the same again is of no use. `overloaded`: nothing was
   *   taken, and the same may be taken once something is written.
   */
  offer(offer: ValueOffer, nowMs: number): number {
    const definition = Object.hasOwn(this.#definitions, offer.name) ? this.#definitions[offer.name] : undefined;
    if (definition === undefined) throw new AlcoveError('value_unknown', `the room defines no value ${JSON.stringify(offer.name)}`);
    if (offer.key.length > this.#bounds.keyCharactersMax) {
      throw new AlcoveError(
        'value_invalid',
        `the key of ${offer.name} has ${offer.key.length} characters; the limit is ${this.#bounds.keyCharactersMax}`,
        { limit: 'keyCharactersMax' },
      );
    }
    return definition.kind === 'counter'
      ? this.#offerTotal(offer, definition.intervalMs, nowMs)
      : this.#offerValue(offer, definition, nowMs);
  }

  /** Ids of what must be written by `nowMs`; all of it once too many bytes wait. */
  due(nowMs: number): string[] {
    const isPressed = this.isPressed(nowMs);
    return this.#idsWhere(({ dueMs }) => isPressed || dueMs <= nowMs);
  }

  /** Ids of what this client set and nobody wrote yet. */
  setBy(clientId: string): string[] {
    return this.#idsWhere(({ setters }) => setters.has(clientId));
  }

  /** Clients whose totals are part of something unwritten. */
  owners(): CounterOwner[] {
    return [...this.#unwritten.values()].flatMap(({ totals }) => [...totals.values()].map(({ owner }) => owner));
  }

  all(): string[] {
    return [...this.#unwritten.keys()];
  }

  isUnwritten(id: string): boolean {
    return this.#unwritten.has(id);
  }

  /** Writes rows, inside the commit's transaction, one at least and as many as a commit holds. Changes nothing here. Ids with nothing unwritten are left out. */
  write(ids: Iterable<string>): ValueWrites {
    const upsert = this.#database.prepare(
      'INSERT INTO alcove_values (name, key, value, seq) VALUES (?, ?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, seq = excluded.seq',
    );
    const entries: ValueWrites['entries'][number][] = [];
    const owners: CounterOwner[] = [];
    let bytes = 0;
    for (const id of new Set(ids)) {
      const unwritten = this.#unwritten.get(id);
      if (unwritten === undefined) continue;
      const { name, key, value, seq } = unwritten.entry;
      const text = JSON.stringify(value);
      const row = this.#row(name, key);
      bytes += 2 * (name.length + key.length + ROW_BYTES) + text.length + (row?.characters ?? 0);
      if (entries.length > 0 && bytes > COMMIT_BYTES_MAX) break;
      const isNewRow = row === null;
      upsert.run([name, key, text, seq]);
      for (const { owner, total, offer } of unwritten.totals.values()) {
        this.#counters.put(owner.clientId, name, key, { total, offer });
        owners.push(owner);
      }
      entries.push({ ...unwritten.entry, id, isNewRow });
    }
    return { entries, owners };
  }

  /** The transaction was committed. */
  written(writes: ValueWrites): void {
    this.#work.did('valueWrites', writes.entries.length);
    for (const { id, isNewRow } of writes.entries) {
      this.#bytes -= this.#unwritten.get(id)?.bytes ?? 0;
      this.#unwritten.delete(id);
      if (isNewRow) this.#rows += 1;
    }
  }

  /** The commit may be known now: readers are told that the values are written, unless they changed since. */
  told(writes: ValueWrites): void {
    for (const { id, isNewRow: _, ...entry } of writes.entries) {
      if (this.lane.get(id)?.seq === entry.seq) this.lane.remove(id, { ...entry, written: true });
    }
  }

  /** Writing failed for want of space: not again before `untilMs`. */
  postpone(ids: readonly string[], untilMs: number): void {
    if (ids.length > 0) this.#postponedUntilMs = untilMs;
    for (const id of ids) {
      const unwritten = this.#unwritten.get(id);
      if (unwritten !== undefined) unwritten.dueMs = Math.max(unwritten.dueMs, untilMs);
    }
  }

  #offerValue(offer: ValueOffer, definition: ValueDefinition, nowMs: number): number {
    const { name, key, taken } = offer;
    const row = this.#row(name, key);
    const current = Math.max(row?.seq ?? 0, this.#unwritten.get(idOf(name, key))?.entry.seq ?? 0);
    if (taken !== null && taken.seq <= current) return taken.seq;
    const value = validated(definition.schema, offer.value, `value ${name}`, 'value_invalid');
    const bytes = this.#bytesOf(value);
    if (bytes > this.#bounds.valueBytesMax) {
      throw new AlcoveError('value_too_large', `the value ${name} has ${bytes} bytes of JSON; the limit is ${this.#bounds.valueBytesMax}`, {
        limit: 'valueBytesMax',
      });
    }
    return this.#show(offer, value, row === null, definition.intervalMs, nowMs).entry.seq;
  }

  #offerTotal(offer: ValueOffer, intervalMs: number, nowMs: number): number {
    const { name, key, owner, value: total } = offer;
    if (typeof total !== 'number' || Math.abs(total) > Number.MAX_SAFE_INTEGER) {
      throw new AlcoveError('value_invalid', `the total of counter ${name} must be a number within ±(2^53−1)`);
    }
    const unwritten = this.#unwritten.get(idOf(name, key));
    const row = this.#row(name, key);
    const stored = this.#counters.get(owner.clientId, name, key);
    const known = unwritten?.totals.get(owner.clientId) ?? stored;
    if (known !== null && (offer.offer < known.offer || total === known.total)) return unwritten?.entry.seq ?? row?.seq ?? this.#nextSeq();
    const shown = Number(unwritten?.entry.value ?? row?.value ?? 0);
    const sum = shown + total - (known?.total ?? 0);
    if (!Number.isFinite(sum)) throw new AlcoveError('value_invalid', `counter ${name} would leave the range of numbers`);
    const after = this.#show(offer, sum, row === null, intervalMs, nowMs);
    after.totals.set(owner.clientId, { total, offer: offer.offer, owner });
    return after.entry.seq;
  }

  #show(offer: ValueOffer, value: Json, isNewRow: boolean, intervalMs: number, nowMs: number): Unwritten {
    const { name, key, owner, userId } = offer;
    const id = idOf(name, key);
    const before = this.#unwritten.get(id);
    if (before === undefined && isNewRow) this.#refuseNewKey(name);
    const setters = (before?.setters.size ?? 0) + (before?.setters.has(owner.clientId) === true ? 0 : 1);
    const bytes = this.#bytesOf(value) + id.length + ROW_BYTES + setters * SETTER_BYTES;
    this.#refuseGrowth(name, bytes - (before?.bytes ?? 0));
    const entry: ValueEntry = { name, key, value, seq: this.#nextSeq(), written: false, updatedBy: userId };
    const unwritten = before ?? { entry, dueMs: nowMs + intervalMs, bytes: 0, setters: new Set(), totals: new Map() };
    this.#bytes += bytes - unwritten.bytes;
    unwritten.entry = entry;
    unwritten.bytes = bytes;
    unwritten.setters.add(owner.clientId);
    this.#work.did('valueUpdates');
    this.#unwritten.set(id, unwritten);
    this.lane.put(id, entry);
    return unwritten;
  }

  #refuseNewKey(name: string): void {
    if (this.#rows + this.#unwritten.size < this.#bounds.valueKeysMax) return;
    throw new AlcoveError(
      'value_invalid',
      `the room holds ${this.#bounds.valueKeysMax} values, its limit; ${name} cannot take another key`,
      { limit: 'valueKeysMax' },
    );
  }

  /** What has been taken stays, and may be set again to something that is no larger. */
  #refuseGrowth(name: string, bytes: number): void {
    const { unwrittenValueBytesHard, retryAfterMs } = this.#bounds;
    if (bytes <= 0 || this.#bytes + bytes <= unwrittenValueBytesHard) return;
    throw new AlcoveError('overloaded', `${this.#bytes} bytes of values wait to be written; ${name} is not taken now`, {
      retryAfterMs,
      limit: 'unwrittenValueBytesHard',
    });
  }

  #bytesOf(value: Json): number {
    return this.#runtime.utf8.encode(JSON.stringify(value)).length;
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  #row(name: string, key: string): { readonly value: Json; readonly seq: number; readonly characters: number } | null {
    const row = this.#database.prepare('SELECT value, seq FROM alcove_values WHERE name = ? AND key = ?').get([name, key]);
    if (row === undefined) return null;
    const text = String(row[0]);
    return { value: JSON.parse(text) as Json, seq: Number(row[1]), characters: text.length }; // written by `write` alone
  }

  #idsWhere(is: (unwritten: Unwritten) => boolean): string[] {
    return [...this.#unwritten].filter(([, unwritten]) => is(unwritten)).map(([id]) => id);
  }
}

/** Names the value in every map here. */
export const idOf = (name: string, key: string): string => JSON.stringify([name, key]);
