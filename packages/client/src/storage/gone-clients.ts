import type { Runtime } from '@alcove/core/runtime/runtime';
import type { DiskTransaction } from './disk.ts';
import { type Sealed, seal, unseal } from './seal.ts';
import type { GoneClient } from './storage.ts';

/** Where the table of the header has them; builds that know of none read it under other keys alone. */
const GONE_CLIENTS = 'gone clients';

/**
 * A page load is one. Who has only heard of a client looks here as soon as its page is gone, or says within a minute that nobody speaks for it: of more than these
 * nobody who is awake asks.
 */
const GONE_MAX = 250;

/** In the order in which they were removed. None where they cannot be read: then nothing is known of any. */
export const goneClients = (runtime: Runtime, row: Sealed | undefined): readonly GoneClient[] => unseal<GoneClient[]>(runtime, row) ?? [];

export const readGone = (transaction: DiskTransaction): Promise<Sealed | undefined> => transaction.get('header', GONE_CLIENTS);

/** `gone`: each once. */
export async function noteGone(runtime: Runtime, transaction: DiskTransaction, gone: readonly GoneClient[]): Promise<void> {
  if (gone.length === 0) return;
  const names = new Set(gone.map(({ clientId }) => clientId));
  const before = goneClients(runtime, await readGone(transaction)).filter(({ clientId }) => !names.has(clientId));
  transaction.put('header', GONE_CLIENTS, seal(runtime, [...before, ...gone].slice(-GONE_MAX)));
}
