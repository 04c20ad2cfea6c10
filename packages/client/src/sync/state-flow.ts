import type { ChangeSet } from '@alcove/core/change/change-set';
import { ERROR_CODES, exhaustive } from '@alcove/core/error';
import type { ErrorCode } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { VALUES_TABLE } from '@alcove/core/sqlite/system-tables';
import { OtherStates } from '../presence/other-states.ts';
import { OwnStates } from '../presence/own-states.ts';
import type { SeenValue } from '../presence/own-value.ts';
import { TabValues } from '../presence/tab-values.ts';
import type { EngineLimits } from './engine-limits.ts';
import type { NoticeBatch } from './notice-batch.ts';

export interface StateFlowOptions {
  readonly runtime: Runtime;
  readonly room: AnyRoom;
  readonly limits: EngineLimits;
  readonly notices: NoticeBatch;
  /** The client whose session it is. */
  clientId(): string;
  readonly offersFrom: number;
  /** The replica that is shown; null before there is one. */
  database(): Database | null;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
  bufferedBytes(): number;
  /** False: the session's client was stopped, the room takes no values of it; they wait for another client. */
  mayOffer(): boolean;
  /** Whether hello says of the client under that very name how far it is: else its mutations go by another one, and nobody is told that the room forgot it. */
  speaksFor(clientId: string): boolean;
  /** Something is to be told. */
  wake(): void;
}

/** Until an offer that the room had no place for is made again, where it does not say. */
const RETRY_AFTER_MS = 1_000;

/** Whether the same may be taken later. A code this client does not know, which reads as `internal`, is no reason to ask again for ever. */
const isForNow = (code: ErrorCode): boolean => code !== 'internal' && ERROR_CODES[code].retryable;

type StateMessage = ServerMessageOf<'presence' | 'cursors' | 'ephemeral' | 'values' | 'valueTaken'>;

/** Presence, cursors, ephemeral keys and debounced values: between messages of the room and notices to the page. */
export class StateFlow {
  readonly own: OwnStates;
  readonly values: TabValues;
  readonly #others: OtherStates;
  readonly #options: StateFlowOptions;

  constructor(options: StateFlowOptions) {
    const { runtime, room, limits } = options;
    this.#options = options;
    this.own = new OwnStates({ runtime, room, ...limits, send: (message) => this.#sendState(message) });
    this.values = new TabValues({
      runtime,
      definitions: room.values,
      intervalMs: limits.valueIntervalMs,
      keysMax: limits.ephemeralKeysMax,
      send: (message) => options.mayOffer() && options.send(message),
      readRow: (name, key) => this.#readRow(name, key),
      offersFrom: options.offersFrom,
      onShown: (name, key, shown, change, totals) => {
        const counter = totals === null ? null : { ...totals, clientId: options.clientId() };
        this.#tell({ type: 'value', name, key, ...shown, change, counter });
      },
    });
    this.#others = new OtherStates(runtime, limits.ephemeralKeepMs, () => this.#forgetOthers());
  }

  #tell(notice: Parameters<NoticeBatch['add']>[0]): void {
    this.#options.notices.add(notice);
    this.#options.wake();
  }

  #sendState(message: ClientMessageInput): 'sent' | 'full' | 'none' {
    if (this.#options.bufferedBytes() > this.#options.limits.stateBacklogBytesMax) return 'full';
    return this.#options.send(message) ? 'sent' : 'none';
  }

  #readRow(name: string, key: string): SeenValue | null {
    const row = this.#options.database()?.prepare(`SELECT value, seq FROM ${VALUES_TABLE} WHERE name = ? AND key = ?`).get([name, key]);
    return row === undefined ? null : { value: JSON.parse(String(row[0])) as Json, seq: Number(row[1]) }; // the room writes JSON alone
  }

  #forgetOthers(): void {
    this.#tell({ type: 'presence', reset: true, entries: [] });
    this.#tell({ type: 'cursors', reset: true, entries: [] });
    this.#tell({ type: 'ephemeral', reset: true, entries: [] });
  }

  welcomed({ sessionId, boot, limits, clients }: Pick<ServerMessageOf<'welcome'>, 'sessionId' | 'boot' | 'limits' | 'clients'>): void {
    this.#others.welcomed(sessionId);
    this.own.welcomed(limits.stateBytesMax);
    const clientId = this.#options.clientId();
    const isKnown = clients.some((client) => client.clientId === clientId && client.state === 'known');
    // The room has no totals of it (any more), and counts from 0.
    if (!isKnown && !this.#options.speaksFor(clientId)) this.values.startOver();
    this.values.welcomed(boot, limits.valueBytesMax);
  }

  lost(): void {
    this.#others.lost();
    this.values.lost();
  }

  take(message: StateMessage): void {
    switch (message.type) {
      case 'presence':
      case 'cursors':
        return this.#tell({ type: message.type, reset: message.reset, entries: this.#others.others(message.entries) });
      case 'ephemeral':
        return this.#tell({ type: 'ephemeral', reset: message.reset, entries: this.#others.others(message.entries) });
      case 'values':
        return this.values.values(message);
      case 'valueTaken':
        return this.values.taken(message);
      default:
        return exhaustive(message);
    }
  }

  /** The room refused a state or an offer. False: the error is about something else. */
  refused(error: ServerMessageOf<'error'>): boolean {
    const { re, key, offer, code, message, hint, retryAfterMs } = error;
    const name = error.name ?? null;
    if (re !== 'presence' && re !== 'cursor' && re !== 'ephemeral' && re !== 'value') return false;
    if (re === 'value' && name !== null && key !== undefined && offer !== undefined && isForNow(code)) {
      this.values.refusedForNow(name, key, offer, retryAfterMs ?? RETRY_AFTER_MS);
      return true;
    }
    if (re !== 'value') this.own.refused(re, name, key ?? null);
    else if (name !== null) this.values.refused(name, key, offer);
    this.#tell({ type: 'stateRefused', what: re, name, key: key ?? null, error: { code, message, hint, retryAfterMs } });
    return true;
  }

  /** Rows changed. */
  rowsChanged(changes: ChangeSet): void {
    const table = changes.tables.find((own) => own.table === VALUES_TABLE);
    if (table === undefined) return;
    const [nameAt = 0, keyAt = 1] = table.key;
    this.values.rowsChanged(
      table.rows.map(({ before, after }) => {
        const row = after ?? before ?? [];
        return [String(row[nameAt]), String(row[keyAt])] as const;
      }),
    );
  }

  close(): void {
    this.own.close();
    this.values.close();
    this.#others.close();
  }
}
