import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { nameList } from '@alcove/core/schema/ddl';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { PoolClient, QueryArrayResult } from 'pg';
import { type DigestCell, DigestSum, type DigestTable, digestTables, type RoomDigest, type TableDigest } from '../../read/room-digest.ts';
import { type FromPg, fromPgOf } from '../../mirror/pg-cells.ts';
import { isNumeric } from '../../mirror/pg-type.ts';
import { cellFromPg } from './cell-from-pg.ts';
import type { PgStatement, TextRow } from './snapshot-read.ts';

export interface MirrorDigestParts {
  /** As of a read; the last one asks for the watermark. */
  readonly prelude: readonly PgStatement[];
  /** @throws AlcoveError where the room cannot be read */
  standingOf(watermark: readonly TextRow[]): BookmarkParts;
  /** As it stands in SQL. */
  tableOf(table: string): string;
  readonly model: RoomModel;
  readonly runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>;
}

const BATCH_ROWS = 1_000;
const PLAIN_TEXT = { getTypeParser: () => (text: unknown) => text };

/** Whatever the room has in the mirror, in one snapshot, a thousand rows at a time. */
export async function digestOfMirror(client: PoolClient, parts: MirrorDigestParts): Promise<RoomDigest> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  let watermark: readonly TextRow[] = [];
  for (const statement of parts.prelude) watermark = (await ask(client, statement)).rows;
  const at = parts.standingOf(watermark);
  const tables: TableDigest[] = [];
  for (const table of digestTables(parts.model)) tables.push(await digestTable(client, table, parts));
  await client.query('COMMIT');
  return { at, tables };
}

/** Order does not count for a digest, so the cursor takes the rows as they lie. */
async function digestTable(client: PoolClient, table: DigestTable, { tableOf, model, runtime }: MirrorDigestParts): Promise<TableDigest> {
  const sum = new DigestSum(runtime);
  const columns = model.tables.find(({ name }) => name === table.name)?.columns ?? [];
  // What is kept as text is what it was in the room, as the mirror reads it back.
  const fromText = table.columns.map((name) => {
    const column = columns.find((one) => one.name === name);
    return column !== undefined && isNumeric(column) ? fromPgOf(column) : null;
  });
  await client.query(`DECLARE digest NO SCROLL CURSOR FOR SELECT ${nameList(table.columns)} FROM ${tableOf(table.name)}`);
  for (;;) {
    const { rows, fields } = await ask(client, { text: `FETCH ${BATCH_ROWS} FROM digest`, values: [] });
    for (const row of rows) sum.add(row.map((cell, index) => digestCell(cell, fields[index]?.dataTypeID ?? 0, fromText[index] ?? null)));
    if (rows.length < BATCH_ROWS) break;
  }
  await client.query('CLOSE digest');
  return { table: table.name, rows: sum.rows, checksum: sum.checksum };
}

function digestCell(text: string | null, oid: number, fromText: FromPg | null): DigestCell {
  if (fromText !== null) return fromText(text);
  return text !== null && oid === BIGINT && !Number.isSafeInteger(Number(text)) ? BigInt(text) : cellFromPg(text, oid);
}

const BIGINT = 20;

const ask = (client: PoolClient, { text, values }: PgStatement): Promise<QueryArrayResult<(string | null)[]>> =>
  client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array', types: PLAIN_TEXT });
