import type { Json } from '@alcove/core/json';
import type { EphemeralNotice, StatesNotice } from '../sync/engine-interface.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';

/** What somebody else in the room shows. One entry a session: two windows of one user are two. */
export interface Other<State> {
  /** The room's word, as `userId` is: nobody can pass for another session. */
  readonly sessionId: string;
  /** `sub` of the claims; null where there is none. */
  readonly userId: string | null;
  /** What its owner says; the room's validator took it. */
  readonly state: State;
}

/** Own state, settable, and that of the others. */
export interface SharedState<State> {
  /** What was set here last; null where nothing is, or the room refused it. */
  readonly mine: Readable<State | null>;
  /** Those of all other sessions, in the order in which they came. */
  readonly others: Readable<readonly Other<State>[]>;
  /** Shows it to the others; null takes it back. */
  set(state: State | null): void;
}

/** Presence, cursors or one ephemeral key. */
export class PageStates<State> implements SharedState<State> {
  readonly mine = new Observable<State | null>(null);
  readonly others: Observable<readonly Other<State>[]>;
  readonly #send: (state: Json, change: number) => void;
  /** Counts what was set. */
  #change = 0;
  #entries = new Map<string, Other<State>>();

  /** `others.onUsed` counts listeners, for those who own more of these than they can keep. */
  constructor(send: (state: Json, change: number) => void) {
    this.#send = send;
    this.others = new Observable<readonly Other<State>[]>([]);
  }

  set(state: State | null): void {
    this.mine.set(state);
    this.#change += 1;
    // States are described by the room's validator, which takes JSON; the engine checks it.
    this.#send(state as Json, this.#change);
  }

  /** A new engine knows nothing of what was set. */
  attach(): void {
    const state = this.mine.getSnapshot();
    if (state !== null) this.#send(state as Json, this.#change); // as in `set`
  }

  /** @param change The one that was refused; undefined: the newest. A later one stands. */
  refused(change?: number): void {
    if (change === undefined || change === this.#change) this.mine.set(null);
  }

  hear({ reset, entries }: Pick<StatesNotice, 'reset' | 'entries'>): void {
    if (!reset && entries.length === 0) return;
    const next = reset ? new Map<string, Other<State>>() : new Map(this.#entries);
    for (const { sessionId, userId, state } of entries) {
      if (state === null) next.delete(sessionId);
      // The room validated it with the same validator.
      else next.set(sessionId, { sessionId, userId, state: state as State });
    }
    this.#entries = next;
    this.others.set([...next.values()]);
  }
}

/** The states of every ephemeral name and key of a room. Keys that nobody here asked for are forgotten when nobody shows anything under them. */
export class PageEphemerals {
  readonly #byKey = new Map<string, { readonly name: string; readonly states: PageStates<unknown> }>();
  /** Ids of those that were handed out. */
  readonly #held = new Set<string>();
  readonly #send: (name: string, key: string, state: Json, change: number) => void;

  constructor(send: (name: string, key: string, state: Json, change: number) => void) {
    this.#send = send;
  }

  /** Keys that are known just now. */
  get size(): number {
    return this.#byKey.size;
  }

  of(name: string, key: string): PageStates<unknown> {
    this.#held.add(idOf(name, key));
    return this.#at(name, key);
  }

  #at(name: string, key: string): PageStates<unknown> {
    const id = idOf(name, key);
    const known = this.#byKey.get(id);
    if (known !== undefined) return known.states;
    const states = new PageStates<unknown>((state, change) => this.#send(name, key, state, change));
    this.#byKey.set(id, { name, states });
    return states;
  }

  attach(): void {
    for (const { states } of this.#byKey.values()) states.attach();
  }

  /** @param key Null: every key of that name. */
  refused(name: string, key: string | null, change?: number): void {
    for (const [id, { name: own, states }] of this.#byKey) if (key === null ? own === name : id === idOf(name, key)) states.refused(change);
  }

  hear({ reset, entries }: EphemeralNotice): void {
    const byKey = new Map<string, { name: string; key: string; entries: EphemeralNotice['entries'][number][] }>();
    for (const entry of entries) {
      const id = idOf(entry.name, entry.key);
      const group = byKey.get(id) ?? { name: entry.name, key: entry.key, entries: [] };
      group.entries.push(entry);
      byKey.set(id, group);
    }
    if (reset) for (const [id, { states }] of this.#byKey) if (!byKey.has(id)) states.hear({ reset: true, entries: [] });
    for (const group of byKey.values()) this.#at(group.name, group.key).hear({ reset, entries: group.entries });
    for (const id of reset ? [...this.#byKey.keys()] : byKey.keys()) this.#dropEmpty(id);
  }

  #dropEmpty(id: string): void {
    if (!this.#held.has(id) && this.#byKey.get(id)?.states.others.getSnapshot().length === 0) this.#byKey.delete(id);
  }
}

/** One text for each pair: names may hold what names and keys could be joined with. */
export const idOf = (name: string, key: string): string => JSON.stringify([name, key]);
