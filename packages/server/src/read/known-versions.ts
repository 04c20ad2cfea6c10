import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { VersionKnown } from './choose-replica.ts';

/** Pairs of replica and room, about 200 bytes each: enough for 10,000 rooms in use on a replica or two. What falls out is asked instead of known. */
const PAIRS_MAX = 16_384;
/** A replica that was of another history, or behind, may have followed since: it is asked again. As long as a round of checks takes. */
const OTHER_HISTORY_MS = 30_000;

/** What is seen again and again is noted once in so long. */
const SEEN_ANEW_MS = 1_000;

interface Known {
  /** The newest that an answer was of. */
  readonly at: BookmarkParts | null;
  readonly seenMs: number;
  /** Did not have this version… */
  readonly lacked: BookmarkParts | null;
  /** …then. */
  readonly lackedMs: number;
}

/** Which version of a room a replica is known to have: from its answers, and from what it said it lacks. Least recently used pairs go first. */
export class KnownVersions {
  readonly #pairsMax: number;
  readonly #pairs = new Map<string, Known>();

  constructor(pairsMax: number = PAIRS_MAX) {
    this.#pairsMax = pairsMax;
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** It gave an answer of this version. A replica that was rebuilt may be at an older one than before: the last word counts. */
  saw(replica: string, room: string, at: BookmarkParts, nowMs: number): void {
    const key = pairOf(replica, room);
    const before = this.#pairs.get(key);
    const isNews = before?.at == null || before.lacked !== null || !isSame(before.at, at) || nowMs - before.seenMs >= SEEN_ANEW_MS;
    if (isNews) this.#set(key, { at, seenMs: nowMs, lacked: null, lackedMs: 0 });
  }

  /** It said that it is behind this version. */
  lacked(replica: string, room: string, atLeast: BookmarkParts, nowMs: number): void {
    const key = pairOf(replica, room);
    const before = this.#pairs.get(key);
    const isBackwards = before?.at != null && reaches(before.at, atLeast);
    this.#set(key, { at: isBackwards ? null : (before?.at ?? null), seenMs: before?.seenMs ?? nowMs, lacked: atLeast, lackedMs: nowMs });
  }

  versionAt(replica: string, room: string, atLeast: BookmarkParts | null, nowMs: number): VersionKnown {
    if (atLeast === null) return 'reached';
    const known = this.#pairs.get(pairOf(replica, room));
    if (known === undefined) return 'unknown';
    const { at, seenMs, lacked } = known;
    if (at !== null && reaches(at, atLeast)) return 'reached';
    if (at !== null && at.historyId !== atLeast.historyId && nowMs - seenMs < OTHER_HISTORY_MS) return 'other-history';
    return lacked !== null && reaches(atLeast, lacked) ? 'behind' : 'unknown';
  }

  /** How long ago it said that it lacks this version, or an older one; Infinity: it did not. */
  lackedSinceMs(replica: string, room: string, atLeast: BookmarkParts, nowMs: number): number {
    const known = this.#pairs.get(pairOf(replica, room));
    return known?.lacked != null && reaches(atLeast, known.lacked) ? nowMs - known.lackedMs : Number.POSITIVE_INFINITY;
  }

  /** The replica is no more, or another one of its name. */
  forget(replica: string): void {
    for (const key of this.#pairs.keys()) if (key.startsWith(`${replica}\n`)) this.#pairs.delete(key);
  }

  #set(key: string, known: Known): void {
    this.#pairs.delete(key);
    this.#pairs.set(key, known);
    if (this.#pairs.size <= this.#pairsMax) return;
    const oldest = this.#pairs.keys().next();
    if (oldest.done !== true) this.#pairs.delete(oldest.value);
  }
}

const isSame = (a: BookmarkParts, b: BookmarkParts): boolean => a.historyId === b.historyId && a.version === b.version;

const pairOf = (replica: string, room: string): string => `${replica}\n${room}`;

/** Whether what is at `at` is no older than `asked`. Versions of two histories do not compare. */
export const reaches = (at: BookmarkParts, asked: BookmarkParts): boolean =>
  at.historyId === asked.historyId && at.version >= asked.version;
