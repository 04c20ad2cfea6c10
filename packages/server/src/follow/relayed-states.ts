import type { Codec } from '@alcove/core/protocol/codec';
import type { ServerMessageInput, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { LaneTable } from '../ephemeral/lane-table.ts';
import { type Lane, laneOf, Lanes, type LaneSocket } from '../ephemeral/lanes.ts';

export type StateType = 'presence' | 'cursors' | 'ephemeral' | 'values';
export type StatesMessage = ServerMessageOf<StateType>;
type Entry = StatesMessage['entries'][number];

export interface RelayedStatesOptions {
  readonly definition: AnyRoom;
  /** Of the primary's room: values are ordered by it. */
  readonly boot: string;
  /** Of each kind, that are remembered to be gone. */
  readonly entriesMax: number;
  readonly backlogBytesMax: number;
  readonly socket: LaneSocket;
  readonly runtime: Runtime;
}

/** Presence, cursors, short-lived states and unwritten values as the primary told them once to this follower, told on to each of its sessions. */
export class RelayedStates {
  readonly #tables = new Map<StateType, LaneTable<Entry>>();
  readonly #lanes: Lanes;

  constructor({ definition, boot, entriesMax, backlogBytesMax, socket, runtime }: RelayedStatesOptions) {
    const lanes: Lane[] = [];
    for (const type of typesOf(definition)) {
      const table = new LaneTable<Entry>(entriesMax);
      this.#tables.set(type, table);
      lanes.push(laneOf(table, ({ reset, entries }) => messageOf(type, reset, entries, boot)));
    }
    this.#lanes = new Lanes(lanes, socket, runtime, backlogBytesMax);
  }

  /** As the primary says it of its room. */
  take({ type, reset, entries }: StatesMessage): void {
    const table = this.#tables.get(type);
    if (table === undefined) return;
    if (reset) for (const [key, entry] of table.entries()) table.remove(key, goneOf(entry));
    for (const entry of entries) {
      if (isGone(entry)) table.remove(keyOf(entry), entry);
      else table.put(keyOf(entry), entry);
    }
  }

  /** The session is told all there is at the next tick. */
  add(connectionId: string, codec: Codec): void {
    this.#lanes.add(connectionId, codec);
  }

  remove(connectionId: string): void {
    this.#lanes.remove(connectionId);
  }

  /** @returns whether a session was left out for being slow. */
  tick(): boolean {
    return this.#lanes.tick();
  }
}

function typesOf({ presence, cursor, ephemeral, values }: AnyRoom): StateType[] {
  const types: StateType[] = [];
  if (presence !== undefined) types.push('presence');
  if (cursor !== undefined) types.push('cursors');
  if (Object.keys(ephemeral).length > 0) types.push('ephemeral');
  if (Object.keys(values).length > 0) types.push('values');
  return types;
}

const keyOf = (entry: Entry): string =>
  JSON.stringify('sessionId' in entry ? [entry.sessionId, ...('name' in entry ? [entry.name, entry.key] : [])] : [entry.name, entry.key]);

const isGone = (entry: Entry): boolean => ('written' in entry ? entry.written : entry.state === null);

/** A value that is not listed any more has been written, as far as one knows here. */
const goneOf = (entry: Entry): Entry => ('written' in entry ? { ...entry, written: true } : { ...entry, state: null });

const messageOf = (type: StateType, reset: boolean, entries: readonly Entry[], boot: string): ServerMessageInput =>
  // A table holds what came in messages of its own type.
  ({ type, reset, entries: [...entries], ...(type === 'values' ? { boot } : {}) }) as ServerMessageInput;
