import { AlcoveError } from '../error.ts';

/** Half of a surrogate pair without its other half: SQLite's UTF-8 cannot hold it, so each engine would store something else. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True where every engine stores `text` unchanged: no NUL (one engine cuts there) and no half of a surrogate pair. */
export const isStorableText = (text: string): boolean => !text.includes('\0') && !LONE_SURROGATE.test(text);

/**
 * Refuses a name that cannot stand in SQL on every engine.
 * @throws AlcoveError `schema_invalid` for an empty name and for one that holds NUL or half of a surrogate pair.
 */
export function assertIdentifier(name: string): void {
  if (name === '' || !isStorableText(name)) {
    throw new AlcoveError(
      'schema_invalid',
      `${JSON.stringify(name)} cannot name a table or a column: it is empty or holds NUL or half a character`,
    );
  }
}

/**
 * `name` as it stands in SQL text: the only way a name gets there. Names come from the room's schema, never from a message.
 * @throws AlcoveError `schema_invalid` as assertIdentifier does.
 */
export function quoteIdentifier(name: string): string {
  assertIdentifier(name);
  return `"${name.replaceAll('"', '""')}"`;
}
