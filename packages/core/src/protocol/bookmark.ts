import { AlcoveError } from '../error.ts';

/** A version of one history of a room, as opaque text: what a read must be at least as new as. */
export type Bookmark = string & { readonly bookmark: unique symbol };

export interface BookmarkParts {
  readonly historyId: string;
  readonly version: number;
}

const BOOKMARK = /^b1\.(\d{1,16})\.([A-Za-z0-9_$:.~-]{1,128})$/;

// What it is made of is nobody's business but ours.
export const bookmarkOf = ({ historyId, version }: BookmarkParts): Bookmark => `b1.${version}.${historyId}` as Bookmark;

/** @throws AlcoveError `query_invalid` for what is no bookmark. */
export function readBookmark(text: string): BookmarkParts {
  const [, version = '', historyId = ''] = BOOKMARK.exec(text) ?? [];
  const number = Number(version);
  if (historyId !== '' && Number.isSafeInteger(number)) return { historyId, version: number };
  throw new AlcoveError('query_invalid', `${JSON.stringify(text.slice(0, 100))} is no bookmark`, {
    hint: 'Hand over what room.bookmark() gave, or an answer’s bookmark, unchanged.',
  });
}
