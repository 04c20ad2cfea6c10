import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type MirrorNames, mirroredTables, ROOM_COLUMN } from '../../mirror/mirror-names.ts';
import { fromPgOf } from '../../mirror/pg-cells.ts';
import { readWatermarks, watermarkOf, type WatermarkRow } from '../../mirror/watermark.ts';
import { DigestSum, digestTables, type RoomDigest, type TableDigest } from '../../read/room-digest.ts';
import type { MirrorConnection, RunStatement } from './mirror-connection.ts';
import type { MirroredAddress } from './mirrored-room.ts';

type DigestRuntime = Pick<Runtime, 'hmacSha256' | 'utf8'>;

/** Rows asked for at a time. */
const PAGE_ROWS = 2_000;

/**
 * What PostgreSQL holds of a room, in one snapshot; null where it is not whole there.
 * @param opened Called when the snapshot stands, with where it is: what is written from then on is not in it.
 */
export async function mirrorDigest(
  connection: MirrorConnection,
  names: MirrorNames,
  room: MirroredAddress,
  model: RoomModel,
  runtime: DigestRuntime,
  opened: (at: BookmarkParts | null) => void,
): Promise<RoomDigest | null> {
  return connection.transaction(async (run) => {
    const { rows } = await run(readWatermarks(names, room));
    const mark = (rows as unknown as readonly WatermarkRow[]).map(watermarkOf)[0]?.watermark; // the columns that it is made to read
    const at = mark?.state === 'live' ? { historyId: mark.historyId, version: mark.version } : null;
    opened(at);
    if (at === null) return null;
    const tables: TableDigest[] = [];
    for (const { name, columns } of digestTables(model)) {
      const table = mirroredTables(model).find((one) => one.name === name);
      if (table !== undefined) tables.push(await tableDigest(run, names.tableOf(room.name, name), room.id, table, columns, runtime));
    }
    return { at, tables };
  }, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

async function tableDigest(
  run: RunStatement,
  full: string,
  id: string,
  table: TableModel,
  columns: readonly string[],
  runtime: DigestRuntime,
): Promise<TableDigest> {
  const sum = new DigestSum(runtime);
  const cells = columns.flatMap((name) => {
    const column = table.columns.find((one) => one.name === name);
    return column === undefined ? [] : [{ name, fromPg: fromPgOf(column) }];
  });
  const key = table.key.map(quoteIdentifier);
  const behind = `AND (${key.join(', ')}) > (${key.map((_, index) => `$${index + 2}`).join(', ')})`;
  let after: readonly unknown[] | null = null;
  for (;;) {
    const text = `SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${full} WHERE ${ROOM_COLUMN} = $1 ${after === null ? '' : behind} ORDER BY ${key.join(', ')} LIMIT ${PAGE_ROWS}`;
    const { rows } = await run({ text, values: [id, ...(after ?? [])] });
    for (const row of rows) sum.add(cells.map(({ name, fromPg }) => fromPg(row[name])));
    const last: Record<string, unknown> | undefined = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return { table: table.name, rows: sum.rows, checksum: sum.checksum };
    after = table.key.map((name) => last[name]);
  }
}
