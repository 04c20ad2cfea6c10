import type { Runtime } from '@alcove/core/runtime/runtime';
import { type DiskTransaction, type KeyRange, only } from './disk.ts';
import { type Sealed, seal, unseal } from './seal.ts';
import type { NamedSchema } from './storage.ts';
import { isNewerSchema } from './stored-schema.ts';

/** Where the table of the header has them; builds that know of none read it under its own key alone. */
export const NAMED_SCHEMAS: KeyRange = { from: 'schema ', to: 'schema \uffff' };
const keyOf = ({ schemaId }: NamedSchema): string => `schema ${schemaId}`;

/** Those that can be read: of the others nothing is known, as of mutations that were written before there were any. */
export const namedSchemas = (runtime: Runtime, rows: readonly Sealed[]): NamedSchema[] =>
  rows.map((row) => unseal<NamedSchema>(runtime, row)).filter((named) => named !== undefined);

/** Says what the id stands for. Older ones go: whoever knows this one may take over what was called under them, and they would only grow in number. */
export async function nameSchema(runtime: Runtime, transaction: DiskTransaction, own: NamedSchema): Promise<void> {
  const known = namedSchemas(runtime, await transaction.getAll('header', NAMED_SCHEMAS));
  if (known.some(({ schemaId }) => schemaId === own.schemaId)) return;
  for (const one of known) if (isNewerSchema(own.schema, one.schema)) transaction.delete('header', only(keyOf(one)));
  transaction.put('header', keyOf(own), seal(runtime, own));
}
