import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb';
import {
  type DiskKey,
  type DiskTable,
  type DiskTables,
  type DiskTransaction,
  type KeyRange,
  type RoomDisk,
  type TransactionKind,
} from './disk.ts';
import { storageError } from './storage-error.ts';

type Tables = { [Table in DiskTable]: { key: IDBValidKey; value: DiskTables[Table] } };
export interface RoomSchema extends DBSchema, Tables {}

type Transaction = IDBPTransaction<RoomSchema, DiskTable[], IDBTransactionMode>;

/**
 * A transaction that the platform does not begin or end within this time is given up: another tab may be frozen inside one of its own, and lets nobody in before it
 * wakes. Reading comes first in a page's life, and people wait for it.
 */
export const TRANSACTION_TIMEOUTS_MS = { read: 5_000, write: 15_000 };

/** One IndexedDB database. */
export class IdbDisk implements RoomDisk {
  readonly isNew: boolean;
  readonly #runtime: Pick<Runtime, 'setTimer'>;
  readonly #timeoutsMs: typeof TRANSACTION_TIMEOUTS_MS;
  readonly #database: IDBPDatabase<RoomSchema>;
  #ended: ErrorBody | null = null;
  #listener: ((error: ErrorBody) => void) | null = null;

  constructor(
    runtime: Pick<Runtime, 'setTimer'>,
    database: IDBPDatabase<RoomSchema>,
    isNew: boolean,
    timeoutsMs = TRANSACTION_TIMEOUTS_MS,
  ) {
    this.#timeoutsMs = timeoutsMs;
    this.#runtime = runtime;
    this.#database = database;
    this.isNew = isNew;
  }

  async transact<Result>(
    doing: string,
    { tables, mode }: TransactionKind,
    run: (transaction: DiskTransaction) => Result | Promise<Result>,
  ): Promise<Result> {
    if (this.#ended !== null) throw AlcoveError.fromBody(this.#ended);
    try {
      return await this.#run(tables, mode, run);
    } catch (error) {
      throw this.#ended === null ? storageError(error, doing) : AlcoveError.fromBody(this.#ended);
    }
  }

  async #run<Result>(
    tables: readonly DiskTable[],
    mode: TransactionKind['mode'],
    run: (transaction: DiskTransaction) => Result | Promise<Result>,
  ): Promise<Result> {
    const transaction: Transaction =
      mode === 'read'
        ? this.#database.transaction([...tables], 'readonly')
        : this.#database.transaction([...tables], 'readwrite', { durability: mode });
    // A full disk is told here and nowhere else: the requests before it succeed.
    const { done } = transaction;
    done.catch(() => undefined);
    const timeoutMs = this.#timeoutsMs[mode === 'read' ? 'read' : 'write'];
    let late: AlcoveError | null = null;
    const timer = this.#runtime.setTimer(timeoutMs, () => {
      late = new AlcoveError('storage_failed', `the browser’s storage did not answer for ${timeoutMs} ms`);
      abort(transaction);
    });
    try {
      const result = await run(new IdbTransaction(transaction));
      transaction.commit();
      await done;
      return result;
    } catch (error) {
      abort(transaction);
      throw late ?? transaction.error ?? error;
    } finally {
      timer.cancel();
    }
  }

  onEnded(listener: (error: ErrorBody) => void): void {
    this.#listener = listener;
    if (this.#ended !== null) listener(this.#ended);
  }

  /** The platform closed it, or wants it closed. */
  end(error: AlcoveError): void {
    if (this.#ended !== null) return;
    this.#ended = error.toBody();
    this.#database.close();
    this.#listener?.(this.#ended);
  }

  close(): void {
    this.#listener = null;
    this.end(new AlcoveError('closed', 'the room’s storage was closed'));
  }
}

class IdbTransaction implements DiskTransaction {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async get<Table extends DiskTable>(table: Table, key: DiskKey): Promise<DiskTables[Table] | undefined> {
    // Rows of a table are what its type says; idb's types lose which table it is.
    return (await this.#transaction.objectStore(table).get(keyOf(key))) as DiskTables[Table] | undefined;
  }

  async getAll<Table extends DiskTable>(table: Table, range?: KeyRange): Promise<DiskTables[Table][]> {
    return (await this.#transaction.objectStore(table).getAll(rangeOf(range))) as DiskTables[Table][]; // as above
  }

  async getKeys(table: DiskTable): Promise<DiskKey[]> {
    return (await this.#transaction.objectStore(table).getAllKeys()) as DiskKey[]; // as they were put
  }

  put<Table extends DiskTable>(table: Table, key: DiskKey, row: DiskTables[Table]): void {
    quietly(this.#transaction.objectStore(table).put?.(row, keyOf(key)));
  }

  delete(table: DiskTable, range?: KeyRange): void {
    const store = this.#transaction.objectStore(table);
    const keys = rangeOf(range);
    quietly(keys === undefined ? store.clear?.() : store.delete?.(keys));
  }
}

/** A request that fails ends its transaction, whose end says why. */
function quietly(request: Promise<unknown> | undefined): void {
  request?.catch(() => undefined);
}

const keyOf = (key: DiskKey): IDBValidKey => (typeof key === 'object' ? [...key] : key);
const rangeOf = (range: KeyRange | undefined): IDBKeyRange | undefined =>
  range === undefined ? undefined : IDBKeyRange.bound(keyOf(range.from), keyOf(range.to));

function abort(transaction: Transaction): void {
  try {
    transaction.abort();
  } catch {
    // It is over already.
  }
}
