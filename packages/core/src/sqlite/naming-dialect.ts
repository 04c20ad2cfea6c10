import type { Column } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';

/**
 * In place of Drizzle's cache of columns' names: it knows tables by their names, takes the first of a name for all others, and has no name for a column
 * that only they have. Rooms of one app may have tables of one name, and name their columns themselves.
 */
export const NAMES_AS_THEY_ARE = { getColumnCasing: ({ name }: Column): string => name };

/** Turns what builders made into text; each column goes by the name that its own table gives it. Keeps nothing. */
export class NamingDialect extends SQLiteSyncDialect {
  /** Read by the dialect it extends, whose types leave it out. */
  readonly casing = NAMES_AS_THEY_ARE;
}
