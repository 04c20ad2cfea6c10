import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

interface ForgottenSchema extends DBSchema {
  /** Wall time in ms, by group. */
  groups: { key: string; value: number };
}

const NAME = 'alcove forgotten';
/** The oldest go first: by then no tab is left that could bring them back. */
const GROUPS_MAX = 1_000;

/**
 * Client groups whose places were removed for good: a tab that did not hear of it finds it here before it would begin its place anew. Of a place nothing is kept but
 * this random name.
 */
export async function wasForgotten(groupId: string): Promise<boolean> {
  return (await within((database) => database.get('groups', groupId))) !== undefined;
}

export async function rememberForgotten(groupIds: readonly string[], nowMs: number): Promise<void> {
  if (groupIds.length === 0) return;
  await within(async (database) => {
    const transaction = database.transaction('groups', 'readwrite', { durability: 'strict' });
    const [keys, times] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    const oldest = keys.map((key, at) => ({ key, atMs: times[at] ?? 0 })).sort((a, b) => a.atMs - b.atMs);
    const writes = oldest
      .slice(0, Math.max(0, oldest.length + groupIds.length - GROUPS_MAX))
      .map(({ key }) => transaction.store.delete(key));
    await Promise.all([...writes, ...groupIds.map((groupId) => transaction.store.put(nowMs, groupId)), transaction.done]);
  });
}

async function within<Result>(run: (database: IDBPDatabase<ForgottenSchema>) => Promise<Result>): Promise<Result> {
  const database = await openDB<ForgottenSchema>(NAME, 1, {
    upgrade: (created) => void created.createObjectStore('groups'),
  });
  try {
    return await run(database);
  } finally {
    database.close();
  }
}
