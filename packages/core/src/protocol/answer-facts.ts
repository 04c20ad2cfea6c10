import type { Bookmark } from './bookmark.ts';

/** What comes with the rows of a read on the server. */
export interface AnswerFacts {
  /** There are more rows, or bytes, than the server gives out at once. */
  readonly truncated: boolean;
  /** What it was read at: `at` of another read that must not be older. */
  readonly bookmark: Bookmark;
  /** Who answered. */
  readonly replica: string;
  /** How far that one was behind the room then. */
  readonly lagVersions: number;
  readonly lagMs: number;
  /** From the server's taking the question to its answer, waits included, in ms. */
  readonly tookMs: number;
}
