import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { ClientMessageOf } from '@alcove/core/protocol/client-message';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import { isAllowed, userIdOf } from '../access/access.ts';
import type { AccessAction } from '../access/access.ts';
import { Lanes, laneOf } from '../ephemeral/lanes.ts';
import { validated } from '../ephemeral/validated.ts';
import type { Lane } from '../ephemeral/lanes.ts';
import { StateTable } from '../ephemeral/state-table.ts';
import type { RoomParts } from './room-parts.ts';
import type { Session } from './sessions.ts';

type StateMessage = ClientMessageOf<'presence'> | ClientMessageOf<'cursor'> | ClientMessageOf<'ephemeral'>;

/** What is in memory of each kind, as JSON, about. */
export interface StateSizes {
  readonly presence: { readonly entries: number; readonly bytes: number };
  readonly cursors: { readonly entries: number; readonly bytes: number };
  /** Of `ephemeral`. */
  readonly keys: { readonly entries: number; readonly bytes: number };
}

/** What short-lived state asks of the room around it. */
export interface EphemeralSurroundings {
  /** `tick()` is wanted at that monotonic time. */
  wantTick(atMs: number): void;
  /** `expire()` is wanted then. */
  wantExpiry(atMs: number): void;
}

/** Presence, cursors, ephemeral keys, and what readers are told of debounced values: all in memory, told in coalesced ticks. */
export class EphemeralState {
  readonly #parts: RoomParts;
  readonly #around: EphemeralSurroundings;
  readonly #presence: StateTable;
  readonly #cursors: StateTable;
  readonly #keys: StateTable;
  readonly #lanes: Lanes;
  #lastTickMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RoomParts, around: EphemeralSurroundings) {
    this.#parts = parts;
    this.#around = around;
    const { limits, ports, runtime, work } = parts;
    const entriesMax = limits.stateEntriesMax;
    this.#presence = new StateTable({ ttlMs: limits.presenceTtlMs, entriesMax, sessionEntriesMax: 1 }, work);
    this.#cursors = new StateTable({ ttlMs: limits.cursorTtlMs, entriesMax, sessionEntriesMax: 1 }, work);
    this.#keys = new StateTable({ ttlMs: limits.ephemeralTtlMs, entriesMax, sessionEntriesMax: limits.sessionEphemeralKeysMax }, work);
    this.#lanes = new Lanes(this.#lanesOf(), ports, runtime, limits.ephemeralBacklogBytesMax);
  }

  get entries(): number {
    return this.#presence.size + this.#cursors.size + this.#keys.size;
  }

  get sizes(): StateSizes {
    const sizeOf = ({ size: entries, bytes }: StateTable): StateSizes['presence'] => ({ entries, bytes });
    return { presence: sizeOf(this.#presence), cursors: sizeOf(this.#cursors), keys: sizeOf(this.#keys) };
  }

  /** The session is told all there is at the next tick. */
  join(session: Session): void {
    this.#lanes.add(session.connectionId, session.codec);
    this.changed();
  }

  /** @param clean The session's states go at once; else they wait for it to come back until they expire. */
  leave(session: Session, clean: boolean): void {
    this.#lanes.remove(session.connectionId);
    if (!clean) return;
    for (const table of this.#tables()) table.removeSession(session.sessionId);
    this.changed();
  }

  /** Any word of a session keeps its presence alive; cursors and keys live by their own words. */
  heard(session: Session): void {
    this.#presence.touch(session.sessionId, this.#parts.runtime.monotonicMs());
  }

  /** @throws AlcoveError `value_unknown`, `forbidden`, `state_invalid`, `state_too_large`: what was set before stays. */
  set(session: Session, message: StateMessage): void {
    const { table, schema, name, key } = this.#target(message);
    if (message.state !== null && !isAllowed(session.access, actionOf(message)))
      throw new AlcoveError('forbidden', `this user may not set ${name === '' ? message.type : `the ephemeral state ${name}`} here`);
    const state = message.state === null ? null : this.#checked(schema, message);
    const { sessionId, access } = session;
    const dropped = table.set({ sessionId, userId: userIdOf(access.claims), name, key, state }, this.#parts.runtime.monotonicMs());
    if (dropped.forRoom) this.#parts.meter.met('stateEntriesMax');
    if (dropped.forSession) this.#parts.meter.met('sessionEphemeralKeysMax');
    this.#wantExpiry();
    this.changed();
  }

  /** Takes an offer of a value and gives the answer to it. @throws AlcoveError as DebouncedValues.offer, and `forbidden`, `client_unknown`. */
  offer(session: Session, message: ClientMessageOf<'value'>): ServerMessageInput {
    const { name, key, value, offer, taken } = message;
    const { clientId, groupId, subject, access } = session;
    if (!isAllowed(access, { kind: 'value', name, key })) throw new AlcoveError('forbidden', `this user may not set the value ${name}`);
    // Only totals depend on the room's memory of a client.
    if (this.#parts.values.isCounter(name) && session.forgotten.has(clientId))
      throw new AlcoveError('client_unknown', `the room does not remember client ${clientId} any more`);
    const owner = { clientId, groupId, subject };
    const seq = this.#parts.values.offer(
      { name, key, value, offer, taken, owner, userId: userIdOf(access.claims) },
      this.#parts.runtime.monotonicMs(),
    );
    this.changed();
    return { type: 'valueTaken', name, key, offer, boot: this.#parts.boot, seq };
  }

  /** Something is to be told: at once where the last tick is long enough ago. */
  changed(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    this.#around.wantTick(Math.max(nowMs, this.#lastTickMs + this.#parts.limits.ephemeralTickMs));
  }

  tick(): void {
    this.#lastTickMs = this.#parts.runtime.monotonicMs();
    if (!this.#lanes.tick()) return;
    this.#parts.meter.met('ephemeralBacklogBytesMax');
    this.#around.wantTick(this.#lastTickMs + this.#parts.limits.ephemeralTickMs);
  }

  expire(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    for (const table of this.#tables()) table.expire(nowMs);
    this.#wantExpiry();
    this.changed();
  }

  #wantExpiry(): void {
    for (const { nextExpiryMs } of this.#tables()) if (nextExpiryMs !== null) this.#around.wantExpiry(nextExpiryMs);
  }

  #tables(): readonly StateTable[] {
    return [this.#presence, this.#cursors, this.#keys];
  }

  #target(message: StateMessage): { table: StateTable; schema: StandardSchemaV1<unknown, unknown>; name: string; key: string } {
    const { presence, cursor, ephemeral } = this.#parts.definition;
    switch (message.type) {
      case 'presence':
        return { table: this.#presence, schema: defined(presence, 'presence'), name: '', key: '' };
      case 'cursor':
        return { table: this.#cursors, schema: defined(cursor, 'cursor'), name: '', key: '' };
      case 'ephemeral': {
        const { name, key } = message;
        const schema = Object.hasOwn(ephemeral, name) ? ephemeral[name] : undefined;
        if (key.length > this.#parts.limits.keyCharactersMax) {
          throw new AlcoveError(
            'state_invalid',
            `the key of ${name} has ${key.length} characters; the limit is ${this.#parts.limits.keyCharactersMax}`,
            { limit: 'keyCharactersMax' },
          );
        }
        return { table: this.#keys, schema: defined(schema, `ephemeral state ${JSON.stringify(name)}`), name, key };
      }
    }
  }

  #checked(schema: StandardSchemaV1<unknown, unknown>, message: StateMessage): Json {
    const what = message.type === 'ephemeral' ? `ephemeral ${message.name}` : message.type;
    const state = validated(schema, message.state, what, 'state_invalid');
    const bytes = this.#parts.runtime.utf8.encode(JSON.stringify(state)).length;
    const max = this.#parts.limits.stateBytesMax;
    if (bytes > max) {
      throw new AlcoveError('state_too_large', `${what} has ${bytes} bytes of JSON; the limit is ${max}`, { limit: 'stateBytesMax' });
    }
    return state;
  }

  #lanesOf(): readonly Lane[] {
    const { definition, values, boot } = this.#parts;
    const lanes: Lane[] = [];
    if (definition.presence !== undefined) {
      lanes.push(laneOf(this.#presence.lane, ({ reset, entries }) => ({ type: 'presence', reset, entries: entries.map(bare) })));
    }
    if (definition.cursor !== undefined) {
      lanes.push(laneOf(this.#cursors.lane, ({ reset, entries }) => ({ type: 'cursors', reset, entries: entries.map(bare) })));
    }
    if (Object.keys(definition.ephemeral).length > 0) {
      lanes.push(laneOf(this.#keys.lane, ({ reset, entries }) => ({ type: 'ephemeral', reset, entries: [...entries] })));
    }
    if (Object.keys(definition.values).length > 0) {
      lanes.push(laneOf(values.lane, ({ reset, entries }) => ({ type: 'values', reset, boot, entries: [...entries] })));
    }
    return lanes;
  }
}

const actionOf = (message: StateMessage): AccessAction =>
  message.type === 'ephemeral' ? { kind: message.type, name: message.name, key: message.key } : { kind: message.type };

const bare = ({
  sessionId,
  userId,
  state,
}: {
  sessionId: string;
  userId: string | null;
  state: Json;
}): { sessionId: string; userId: string | null; state: Json } => ({
  sessionId,
  userId,
  state,
});

function defined(schema: StandardSchemaV1<unknown, unknown> | undefined, what: string): StandardSchemaV1<unknown, unknown> {
  if (schema !== undefined) return schema;
  throw new AlcoveError('value_unknown', `the room defines no ${what}`);
}
