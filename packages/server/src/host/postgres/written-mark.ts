import { createHash } from 'node:crypto';

/**
 * The comment that says of something in PostgreSQL how it was written, so that a build that writes it in another way knows, and so does one that finds it altered.
 * @param made As the catalog tells it, which has words of its own.
 */
export const writtenMark = (sql: string, made: string): string =>
  `written by its mirror: ${createHash('sha256').update(`${sql}\n${made}`).digest('hex')}`;
