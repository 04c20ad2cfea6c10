import { toRows } from '@alcove/core/change/wire';
import { cellToWire } from '@alcove/core/change/wire-cell';
import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { AnswerFacts } from '@alcove/core/protocol/answer-facts';
import { type Bookmark, readBookmark } from '@alcove/core/protocol/bookmark';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Row } from '@alcove/core/sqlite/database';

/** How new an answer must be: whatever there is, the room's head when the question gets there, or at least a bookmark. */
export type ReadAt = 'any' | 'latest' | Bookmark;

/** A read on the server as it crosses the worker's boundary: SQL, or a query of the definition. */
export interface EngineRead {
  readonly ask: { readonly sql: string; readonly params: Row } | { readonly query: string; readonly args: Json };
  /** Null: nothing older than what this tab shows, with all that was pending at the call. */
  readonly at: ReadAt | null;
  /** For everything that has to be waited for before a replica can read. */
  readonly waitMs: number;
  readonly route: ReadRoute;
}

/** Where it is best answered. */
export interface ReadRoute {
  readonly region?: string;
  readonly purpose?: string;
  readonly priority?: 'high' | 'normal' | 'low';
  readonly preferPrimary?: boolean;
}

/** What a server found. */
export interface ServerRows extends AnswerFacts {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** `at`: as text, once it is known. */
export function readMessage({ ask, route }: EngineRead, request: number, at: string, waitMs: number): ClientMessageInput {
  const asked = 'sql' in ask ? { sql: ask.sql, params: ask.params.map(cellToWire) } : ask;
  return { type: 'read', request, ...asked, at, waitMs, ...route };
}

function assertBookmark(text: string): asserts text is Bookmark {
  try {
    readBookmark(text);
  } catch (cause) {
    throw new AlcoveError('bad_message', 'the answer of a read has no bookmark', { cause });
  }
}

/** @throws AlcoveError `bad_message` where a bookmark or a blob is none. */
export function rowsOf({ columns, cells, bookmark, ...answer }: ServerMessageOf<'readRows'>): ServerRows {
  if (cells.length !== columns.length)
    throw new AlcoveError('bad_message', `the answer of a read names ${columns.length} columns and has ${cells.length}`);
  assertBookmark(bookmark);
  const rows = toRows(cells);
  const { truncated, replica, lagVersions, lagMs, tookMs } = answer;
  return { columns, rows, truncated, bookmark, replica, lagVersions, lagMs, tookMs };
}
