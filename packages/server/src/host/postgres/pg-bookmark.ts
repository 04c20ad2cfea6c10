import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { lsnOf, lsnText, type PgPosition } from './pg-position.ts';

/** Says "at least this" of an app's own tables: opaque, text of 60 characters or so. */
export type DatabaseBookmark = string;

const BOOKMARK = /^pg1\.(\d{1,20})\.(\d{1,10})\.([0-9A-F]{1,8}\/[0-9A-F]{1,8})$/;

/** Pages of the log begin with a header, which a position that nothing was written behind may stand after; what is applied never does. */
const PAGE_BYTES = 8_192n;
const PAGE_HEADERS: readonly bigint[] = [24n, 40n];

/** Of a primary, asked after the COMMIT that it is to hold. */
export function databaseBookmark({ system, timeline, lsn }: PgPosition): DatabaseBookmark {
  const inPage = lsn % PAGE_BYTES;
  return `pg1.${system}.${timeline}.${lsnText(PAGE_HEADERS.includes(inPage) ? lsn - inPage : lsn)}`;
}

/** @throws AlcoveError `query_invalid` */
export function readDatabaseBookmark(bookmark: DatabaseBookmark): BookmarkParts {
  const [, system, timeline, lsn] = (typeof bookmark === 'string' ? BOOKMARK.exec(bookmark) : null) ?? [];
  const bytes = lsn === undefined ? null : lsnOf(lsn);
  if (system === undefined || timeline === undefined || bytes === null)
    throw new AlcoveError('query_invalid', 'this is no bookmark of a database', {
      hint: 'Take one from replicas.bookmark() after a write.',
    });
  return { historyId: historyOf(system, timeline), version: Number(bytes) };
}

/** What versions are of: LSNs of two timelines do not compare. */
export const historyOf = (system: string, timeline: number | string): string => `${system}/${timeline}`;

/** A position as versions go; LSNs stay below 2^53 for the first 9 petabytes of changes. */
export const versionOf = ({ system, timeline, lsn }: PgPosition): BookmarkParts => ({
  historyId: historyOf(system, timeline),
  version: Number(lsn),
});
