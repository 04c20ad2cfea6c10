import { AlcoveError } from '@alcove/core/error';
import { type Json, jsonFrom } from '@alcove/core/json';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom, AnyValidator } from '@alcove/core/schema/define-room';
import { checkedState } from './checked-state.ts';
import { Throttle } from './throttle.ts';

export interface OwnStatesOptions {
  readonly runtime: Runtime;
  readonly room: AnyRoom;
  readonly presenceIntervalMs: number;
  readonly cursorIntervalMs: number;
  readonly ephemeralKeysMax: number;
  /** `full`: the session's socket holds so much that states wait; they are tried again. `none`: there is no session. */
  send(message: ClientMessageInput): 'sent' | 'full' | 'none';
}

/** Until welcome tells the room's own bound. */
const STATE_BYTES_MAX = 4_096;

/** Cursors and ephemeral keys older than this are not said again after a reconnect: the room has let them expire. */
const SAY_AGAIN_MS = 30_000;

interface Said {
  readonly message: ClientMessageInput;
  readonly atMs: number;
}

/**
 * This session's presence, cursor and ephemeral keys: the last state of each, sent when it changed, throttled, and said again in a new session.
 */
export class OwnStates {
  readonly #options: OwnStatesOptions;
  /** Last state by kind, name and key; null ones until they were told. */
  readonly #states = new Map<string, Said>();
  readonly #unsent = new Set<string>();
  readonly #cursorThrottle: Throttle;
  readonly #throttle: Throttle;
  #stateBytesMax = STATE_BYTES_MAX;

  constructor(options: OwnStatesOptions) {
    this.#options = options;
    const { runtime } = options;
    this.#cursorThrottle = new Throttle(runtime, options.cursorIntervalMs, () => this.#send(this.#cursorThrottle, (id) => id === CURSOR));
    this.#throttle = new Throttle(runtime, options.presenceIntervalMs, () => this.#send(this.#throttle, (id) => id !== CURSOR));
  }

  /** @throws AlcoveError `value_unknown`, `state_invalid`, `state_too_large`; the next two too. */
  setPresence(state: Json): void {
    this.#set(PRESENCE, 'presence', this.#options.room.presence, state, (json) => ({ type: 'presence', state: json }));
    this.#throttle.wish();
  }

  setCursor(state: Json): void {
    this.#set(CURSOR, 'cursor', this.#options.room.cursor, state, (json) => ({ type: 'cursor', state: json }));
    this.#cursorThrottle.wish();
  }

  /** @throws also `overloaded` past the bound of keys. */
  setEphemeral(name: string, key: string, state: Json): void {
    const { ephemeral } = this.#options.room;
    const id = ephemeralId(name, key);
    if (!this.#states.has(id)) this.#makeRoom();
    const schema = Object.hasOwn(ephemeral, name) ? ephemeral[name] : undefined;
    this.#set(id, `ephemeral ${name}`, schema, state, (json) => ({ type: 'ephemeral', name, key, state: json }));
    this.#throttle.wish();
  }

  /** Keys the room has let expire make room for another. */
  #makeRoom(): void {
    const { runtime, ephemeralKeysMax } = this.#options;
    const keys = [...this.#states].filter(([id]) => id !== PRESENCE && id !== CURSOR);
    if (keys.length < ephemeralKeysMax) return;
    const expired = keys.filter(([id, { atMs }]) => !this.#unsent.has(id) && runtime.monotonicMs() - atMs >= SAY_AGAIN_MS);
    if (expired.length === 0)
      throw new AlcoveError('overloaded', `${keys.length} ephemeral keys are set; the bound is ${ephemeralKeysMax}`);
    for (const [id] of expired) this.#forget(id);
  }

  #set(id: string, what: string, schema: AnyValidator | undefined, state: Json, message: (state: Json) => ClientMessageInput): void {
    if (schema === undefined) throw new AlcoveError('value_unknown', `the room defines no ${what}`);
    const json = jsonFrom(state, 'state_invalid', what);
    if (json !== null) this.#check(schema, json, what);
    this.#states.set(id, { message: message(json), atMs: this.#options.runtime.monotonicMs() });
    this.#unsent.add(id);
  }

  #check(schema: AnyValidator, state: Json, what: string): void {
    const checked = checkedState(schema, state, what, 'state_invalid');
    const bytes = this.#options.runtime.utf8.encode(JSON.stringify(checked)).length;
    if (bytes > this.#stateBytesMax)
      throw new AlcoveError('state_too_large', `${what} has ${bytes} bytes of JSON; the limit is ${this.#stateBytesMax}`);
  }

  #send(again: Throttle, concerns: (id: string) => boolean): void {
    for (const id of [...this.#unsent].filter(concerns)) {
      const said = this.#states.get(id);
      const sent = said === undefined ? 'sent' : this.#options.send(said.message);
      if (sent === 'full') again.wish();
      if (sent !== 'sent') return;
      this.#unsent.delete(id);
      // Taken back and told so: nothing is left to say again.
      if (said !== undefined && 'state' in said.message && said.message.state === null) this.#states.delete(id);
    }
  }

  /** There is a session: everything that still counts is said. */
  welcomed(stateBytesMax: number): void {
    this.#stateBytesMax = stateBytesMax;
    const nowMs = this.#options.runtime.monotonicMs();
    for (const [id, said] of [...this.#states]) {
      if (id === PRESENCE || nowMs - said.atMs < SAY_AGAIN_MS) this.#unsent.add(id);
      else this.#forget(id);
    }
    this.#throttle.wish();
    this.#cursorThrottle.wish();
  }

  /** The room refused what was set last under this name and key (null: any key): it is not said again. */
  refused(kind: 'presence' | 'cursor' | 'ephemeral', name: string | null, key: string | null): void {
    for (const [id, { message }] of [...this.#states]) {
      if (message.type !== kind) continue;
      if (message.type !== 'ephemeral' || (message.name === name && (key === null || message.key === key))) this.#forget(id);
    }
  }

  #forget(id: string): void {
    this.#states.delete(id);
    this.#unsent.delete(id);
  }

  close(): void {
    this.#throttle.cancel();
    this.#cursorThrottle.cancel();
  }
}

const PRESENCE = 'presence';
const CURSOR = 'cursor';
const ephemeralId = (name: string, key: string): string => JSON.stringify([name, key]);
