/** The public surface of Alcove in the browser. */
export { createClient } from './create-client.ts';
export type { BrowserClientOptions } from './create-client.ts';
export type { Client, ClientOptions } from './client.ts';
export type { ClientRoom, QueryBuild } from './page/client-room.ts';
export type { ForgetOptions } from './page/forget-places.ts';
export type { LiveQuery, QueryResult } from './page/live-query.ts';
export type { MutateFunctions } from './page/mutate-functions.ts';
export type { MutationHandle, MutationStatus } from './page/mutation-handle.ts';
export type { Readable } from './page/observable.ts';
export type { MutationLine } from './page/mutation-line.ts';
export type { Other, SharedState } from './page/page-states.ts';
export type { DebouncedValue, ValueState } from './page/page-value.ts';
export type { LostTail, SnapshotProgress, SyncStatus } from './page/sync-status.ts';
export type { ResultStatus } from './sync/engine-interface.ts';
export type { LostOutbox } from './storage/place-marks.ts';
export type { EngineLimits } from './sync/engine-limits.ts';
export { AlcoveError } from '@alcove/core/error';
export type { ErrorCode } from '@alcove/core/error';
