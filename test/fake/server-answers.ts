import { bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { Row } from '@alcove/core/sqlite/database';
import type { ServerRows } from '../../packages/client/src/sync/server-read.ts';

/** What a replica that is level with version 1 of the room `h` found. */
export function serverRows(columns: readonly string[], rows: readonly Row[], version = 1, about: Partial<ServerRows> = {}): ServerRows {
  const bookmark = bookmarkOf({ historyId: 'h', version });
  return { columns, rows, truncated: false, bookmark, replica: 'reader-1', lagVersions: 0, lagMs: 0, tookMs: 2, ...about };
}
