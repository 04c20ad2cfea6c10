import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { clientOf, mutationOf, namedSchemaOf } from '../../../../test/contract/storage-samples.ts';
import { HeldOutbox } from './held-outbox.ts';

const id = text().primaryKey();
const OLDER = namedSchemaOf('app', { notes: sqliteTable('notes', { id }) });
const NEWER = namedSchemaOf('app', { notes: sqliteTable('notes', { id }), tags: sqliteTable('tags', { id }) });
/** No way leads to it from the others, nor back. */
const OTHER = namedSchemaOf('app', { notes: sqliteTable('notes', { id: integer().primaryKey() }) });

const nobody = (): boolean => false;
const pendingOf = (clientId: string, ...schemaIds: string[]) => ({
  clients: [clientOf(clientId, { lastMutationId: schemaIds.length })],
  mutations: schemaIds.map((schemaId, at) => ({ ...mutationOf(clientId, at + 1), schemaId })),
});
function outboxOf(...each: ReturnType<typeof pendingOf>[]) {
  return {
    clients: each.flatMap(({ clients }) => clients),
    mutations: each.flatMap(({ mutations }) => mutations),
    schemas: [OLDER, NEWER, OTHER],
  };
}

describe('what a newer build has pending', () => {
  it('[TB-21] is held back whole by an older one; what is older, of another kind or not known is not', () => {
    const held = new HeldOutbox(OLDER);
    const kept = outboxOf(
      pendingOf('a', NEWER.schemaId, NEWER.schemaId),
      pendingOf('b', OLDER.schemaId),
      pendingOf('c', 'nobody knows', OTHER.schemaId),
      pendingOf('d', OLDER.schemaId, NEWER.schemaId),
      pendingOf('e'),
    );
    const free = held.without(kept, nobody);
    expect(free.clients.map(({ clientId }) => clientId)).toEqual(['b', 'c', 'e']);
    expect(free.mutations.map(({ clientId }) => clientId)).toEqual(['b', 'c', 'c']);
    expect([held.count, held.clientIds()]).toEqual([4, ['a', 'd']]);
    expect(new HeldOutbox(NEWER).without(kept, nobody).clients).toHaveLength(5);
  });

  it('[TB-21] is not what this tab speaks for, and is held no longer than it is there', () => {
    const held = new HeldOutbox(OLDER);
    const kept = outboxOf(pendingOf('a', NEWER.schemaId), pendingOf('b', NEWER.schemaId));
    expect(held.without(kept, (clientId) => clientId === 'a').clients.map(({ clientId }) => clientId)).toEqual(['a']);
    held.without(outboxOf(pendingOf('c', NEWER.schemaId)), nobody, ['c']);
    expect(held.clientIds()).toEqual(['b', 'c']);
    held.without(outboxOf(), nobody, ['b']);
    expect(held.clientIds()).toEqual(['c']);
    held.without(outboxOf(), nobody);
    expect(held.count).toBe(0);
  });
});
