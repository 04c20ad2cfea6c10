/** IndexedDB by hand, for floors. */
export function openTable(name: string, table: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => void request.result.createObjectStore(table);
  return asked(request);
}

export function asked<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new TypeError('IndexedDB failed'));
  });
}

/** All that `write` puts, in one transaction. */
export function written(
  database: IDBDatabase,
  table: string,
  durability: 'strict' | 'relaxed',
  write: (rows: IDBObjectStore) => void,
): Promise<void> {
  const transaction = database.transaction(table, 'readwrite', { durability });
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new TypeError('IndexedDB failed'));
  });
  write(transaction.objectStore(table));
  transaction.commit();
  return done;
}
