import type { ErrorBody } from '@alcove/core/error';
import type { Sealed } from './seal.ts';

/** The tables of a room's share and what their rows are; all rows are sealed but the image's chunks, whose sum stands in the header. */
export interface DiskTables {
  /** Under 0 the header itself; under `schema <schemaId>` the schemas that mutations were called under; under `gone clients` which were removed. */
  readonly header: Sealed;
  /** Under (slot, index). */
  readonly image: Uint8Array;
  /** Under `to`. */
  readonly tail: Sealed;
  /** Under clientId. */
  readonly clients: Sealed;
  /** Under (clientId, mutationId). */
  readonly mutations: Sealed;
  readonly rejections: Sealed;
}

export type DiskTable = keyof DiskTables;
export const DISK_TABLES: readonly DiskTable[] = ['header', 'image', 'tail', 'clients', 'mutations', 'rejections'];

/** Numbers before strings before lists of them, as IndexedDB orders keys. */
export type DiskKey = number | string | readonly (number | string)[];

/** Both ends included. */
export interface KeyRange {
  readonly from: DiskKey;
  readonly to: DiskKey;
}

/**
 * What a transaction offers. Nothing else may be awaited while it is open: the platform would end it. Writes are done in order with the reads; whether they
 * held is known when the transaction ends.
 */
export interface DiskTransaction {
  get<Table extends DiskTable>(table: Table, key: DiskKey): Promise<DiskTables[Table] | undefined>;
  /** In order of keys; all of the table without a range. */
  getAll<Table extends DiskTable>(table: Table, range?: KeyRange): Promise<DiskTables[Table][]>;
  /** In the order of `getAll`. */
  getKeys(table: DiskTable): Promise<DiskKey[]>;
  put<Table extends DiskTable>(table: Table, key: DiskKey, row: DiskTables[Table]): void;
  delete(table: DiskTable, range?: KeyRange): void;
}

export interface TransactionKind {
  readonly tables: readonly DiskTable[];
  /** `strict`: on the medium when it resolves. `relaxed`: in order, but a crash of the machine may take the last ones back. */
  readonly mode: 'read' | 'strict' | 'relaxed';
}

/** One place's tables, open. */
export interface RoomDisk {
  /** Whether this open began the place. */
  readonly isNew: boolean;
  /** All or nothing. Rejects with `storage_full` or `storage_failed`, and with what `run` throws. `doing` goes into the message. */
  transact<Result>(doing: string, kind: TransactionKind, run: (transaction: DiskTransaction) => Result | Promise<Result>): Promise<Result>;
  /** Called once where the platform ends it. */
  onEnded(listener: (error: ErrorBody) => void): void;
  close(): void;
}

export const HEADER_KEY = 0;

/** All mutations of a client up to one. */
export const mutationsUpTo = (clientId: string, mutationId: number): KeyRange => ({ from: [clientId, 0], to: [clientId, mutationId] });
export const chunksOf = (slot: number): KeyRange => ({ from: [slot, 0], to: [slot, Number.MAX_SAFE_INTEGER] });
/** One key. */
export const only = (key: DiskKey): KeyRange => ({ from: key, to: key });
