import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ErrorBody } from '@alcove/core/error';
import type { EngineClient, EngineHint, EngineNotice, EngineQuery, QueryRows, ShownVersion } from '../sync/engine-interface.ts';
import type { CounterTotals } from '../presence/own-value.ts';
import type { MutationName } from '../outbox/client-names.ts';
import type { StoragePlace } from '../storage/storage.ts';
import type { ToldRejection } from '../sync/engine-storage.ts';
import type { EngineLimits } from '../sync/engine-limits.ts';
import type { EngineRead, ServerRows } from '../sync/server-read.ts';

/** What an engine is opened with; crosses the worker boundary. */
export interface OpenRequest {
  readonly roomName: string;
  readonly roomId: string;
  /** Schema id of the page's definition; another one in the worker means two builds of the app. */
  readonly schemaId: string;
  /** See `SyncEngineOptions`; by the host, for a worker that died of what may have been its memory. */
  readonly isFrugal?: boolean;
  readonly url: string;
  readonly clientId: string;
  readonly groupId: string;
  /** An engine before this one has spoken as this group. */
  readonly isGroupBound: boolean;
  /** Counts the engines opened for this client, from 1. */
  readonly life: number;
  /** What the engine before showed last; null: there was none, or it showed nothing. */
  readonly shown: ShownVersion | null;
  readonly limits: Partial<EngineLimits>;
  /** Where the room is kept between loads of the page; null: nowhere. */
  readonly place: StoragePlace | null;
  /** What a replaced worker had: counters and mutations not yet settled. */
  readonly clients: readonly EngineClient[];
  readonly mutations: readonly Mutation[];
  /** See `SyncEngineOptions`. */
  readonly condemned: readonly MutationName[];
}

/** How far a batch of mutations came: all before `taken` are in the outbox; `error` is why the next one is not; an AlcoveError with its cause where the engine runs in this thread. */
export interface MutateAnswer {
  readonly taken: number;
  readonly error: ErrorBody | null;
}

/**
 * A page's way to one room's engine, wherever it runs (a worker, this thread). Calls keep their order. What returns nothing is told and forgotten: it fails
 * only with the engine, and then `onNotices` falls silent and the port is replaced.
 */
export interface EnginePort {
  /** Runs mutations in order until the first that fails. @throws AlcoveError `worker_failed` where the engine died: whether it took any is not known. */
  mutate(mutations: readonly Mutation[]): Promise<MutateAnswer>;
  runOnce(query: EngineQuery): Promise<QueryRows>;
  /** See `SyncEngine`; ended by an order. @throws AlcoveError as the engine does; `worker_failed` where it died, and the next one is to be asked. */
  serverRead(call: number, read: EngineRead): Promise<ServerRows>;
  /** All but `mutate` and reads. */
  tell(order: EngineOrder): void;
}

export type EngineOrder =
  | { readonly type: 'watch'; readonly queryId: string; readonly query: EngineQuery }
  | { readonly type: 'unwatch'; readonly queryId: string }
  | { readonly type: 'endServerRead'; readonly call: number }
  | { readonly type: 'adopt'; readonly clients: readonly EngineClient[]; readonly mutations: readonly Mutation[] }
  | { readonly type: 'heard'; readonly clientId: string; readonly upTo: number }
  | { readonly type: 'adoptStored'; readonly clientId: string }
  /** `again`: mutationIds that were issued again under another client. */
  | { readonly type: 'discard'; readonly clientId: string; readonly again: readonly number[] }
  | { readonly type: 'putAside'; readonly rejections: readonly ToldRejection[] }
  | { readonly type: 'dismiss'; readonly keys: readonly string[] }
  | { readonly type: 'presence' | 'cursor'; readonly state: Json; readonly change: number }
  | { readonly type: 'ephemeral'; readonly name: string; readonly key: string; readonly state: Json; readonly change: number }
  | { readonly type: 'watchValue' | 'unwatchValue' | 'flushValue'; readonly name: string; readonly key: string }
  | { readonly type: 'setValue'; readonly name: string; readonly key: string; readonly value: Json; readonly change: number }
  | {
      readonly type: 'restoreCounter';
      readonly name: string;
      readonly key: string;
      readonly totals: CounterTotals;
      readonly change: number;
    }
  | { readonly type: 'addToCounter'; readonly name: string; readonly key: string; readonly delta: number; readonly change: number }
  | { readonly type: 'hint'; readonly hint: EngineHint }
  /** `connect` false: what is kept is read, and the connection is ended, or not begun, until it is true. */
  | { readonly type: 'start'; readonly connect: boolean }
  | { readonly type: 'leave' | 'close' };

/** Opens engines. One per client: a worker with many rooms in it, or this thread. */
export interface EngineHost {
  /**
   * `onNotices` gets what the engine says; `onLost` is called once, if the engine dies under the port, after `condemn` where it is known what of this room is to
   * blame. The caller opens again, with what it still has.
   */
  open(request: OpenRequest, handlers: EngineHandlers): EnginePort;
  /** Ends all engines at once, whatever they are at: what is opened afterwards is run anew. */
  close(): void;
}

export interface EngineHandlers {
  token(): string | null | Promise<string | null>;
  onNotices(notices: readonly EngineNotice[]): void;
  /** What held the engine's thread past its budget. Returns whether it will not be run again: then the death does not count against the worker. */
  condemn(blame: EngineBlame, error: ErrorBody): boolean;
  onLost(loss: EngineLoss): void;
}

/** A statement that may be none of the page's, or a mutation of whatever tab. */
export type EngineBlame =
  | { readonly type: 'query'; readonly query: EngineQuery }
  | { readonly type: 'mutation'; readonly name: MutationName };

export interface EngineLoss {
  readonly error: ErrorBody;
  /** Whether opening again is no use. */
  readonly final: boolean;
}
