import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { EngineNotice, EngineQuery, QueryRows } from '../sync/engine-interface.ts';
import type { EngineRead, ServerRows } from '../sync/server-read.ts';
import type { EngineOrder, MutateAnswer, OpenRequest } from './engine-port.ts';

/**
 * What a worker answers through comlink. Comlink loses the codes of errors and never settles calls of a worker that died; therefore every answer that may fail
 * is an `Answer`, and worker-host.ts alone talks to this interface.
 */
export interface WorkerApi {
  /** Starts loading an engine under `handle`; calls with that handle wait for it. What goes wrong is said on `reports`. */
  open(handle: number, request: OpenRequest, reports: MessagePort): void;
  mutate(handle: number, mutations: readonly Mutation[]): Promise<Answer<MutateAnswer>>;
  runOnce(handle: number, query: EngineQuery): Promise<Answer<QueryRows>>;
  serverRead(handle: number, call: number, read: EngineRead): Promise<Answer<ServerRows>>;
  tell(handle: number, order: EngineOrder): void;
  /** Proof that the worker's thread is free. */
  ping(): void;
  /** From now on every statement is announced, not only those of unknown length. */
  markAll(): void;
}

export type Answer<Value> = { readonly value: Value } | { readonly error: ErrorBody };

/** On the MessagePort of one room, from the worker to the page. */
export type EngineReport =
  | { readonly type: 'notices'; readonly notices: readonly EngineNotice[] }
  /** The engine could not be made or broke: nothing follows. */
  | { readonly type: 'broken'; readonly error: ErrorBody }
  /** A hello is due: the page answers on the same port with a `TokenAnswer` of the same number. */
  | { readonly type: 'tokenWanted'; readonly number: number };

/** The other way on that port. */
export type TokenAnswer = { readonly number: number } & Answer<string | null>;

/** Posted by the worker around what may take long, so that the page knows what to blame when no more is heard; null: nothing runs any more. */
export interface RunMark {
  readonly alcoveRun: AnnouncedRun | null;
}

export interface AnnouncedRun {
  readonly handle: number;
  /** The statement that runs, if one does. */
  readonly statement: EngineQuery | null;
  /** The mutation whose mutator runs, if one does. */
  readonly mutation: { readonly clientId: string; readonly mutationId: number } | null;
}

export const isRunMark = (message: unknown): message is RunMark =>
  typeof message === 'object' && message !== null && 'alcoveRun' in message;
