import { type Bookmark, bookmarkOf, readBookmark } from '@alcove/core/protocol/bookmark';
import { AlcoveError } from '@alcove/core/error';
import { vi } from 'vitest';
import type { ServerReadOptions, ServerResult } from '../../../packages/server/src/host/node/server-sql.ts';
import type { FaultFleet } from './fault-fleet.ts';
import { type Sums, sums } from './fault-room.ts';

/** Refusals for limits say nothing of replicas. */
const LIMIT_CODES: ReadonlySet<string> = new Set(['overloaded', 'rate_limited']);

export type Fate =
  | { readonly kind: 'answered'; readonly replica: string; readonly tookMs: number }
  | { readonly kind: 'limit' | 'late' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'wrong'; readonly why: string };

type Ask = (options: ServerReadOptions) => Promise<ServerResult<Sums>>;

/** Reads and writes of the one room of a fleet, each answer held against what the room held at that version. */
export class CheckedReads {
  /** Refusals so far that said when to come again. */
  waitedOut = 0;
  readonly #fleet: FaultFleet;
  readonly #ask: Ask;
  /** What the room holds at each version, by the writes' own word. */
  readonly #sums = new Map<number, { readonly entries: number; readonly sum: number }>();
  readonly #bookmarks: Bookmark[] = [];
  #entries = 0;
  #sum = 0;
  #writing: Promise<unknown> = Promise.resolve();

  /** @param ask How it reads; by default with SQLite's SQL. */
  static async begin(fleet: FaultFleet, ask: Ask = (options) => fleet.room.sql(sums, options)): Promise<CheckedReads> {
    const checked = new CheckedReads(fleet, ask);
    const { bookmark } = await fleet.room.sql(sums, { preferPrimary: true });
    checked.#sums.set(readBookmark(bookmark).version, { entries: 0, sum: 0 });
    checked.#bookmarks.push(bookmark);
    return checked;
  }

  private constructor(fleet: FaultFleet, ask: Ask) {
    this.#fleet = fleet;
    this.#ask = ask;
  }

  /** In the room. */
  get entries(): number {
    return this.#entries;
  }

  get newest(): Bookmark {
    return this.#bookmarks.at(-1) as Bookmark; // there is one from the beginning
  }

  /** One of the last so many. */
  recent(back: number): Bookmark {
    return this.#bookmarks.at(-Math.min(back, this.#bookmarks.length)) as Bookmark; // as above
  }

  /** One at a time: a version is one entry. */
  write(): Promise<Bookmark> {
    const written = this.#writing.then(() => this.#write());
    this.#writing = written;
    return written;
  }

  async #write(): Promise<Bookmark> {
    const n = this.#entries * 7 + 3;
    this.#entries += 1;
    this.#sum += n;
    const { version } = await this.#fleet.room.mutate.add({ id: `e${this.#entries}`, n });
    this.#sums.set(version, { entries: this.#entries, sum: this.#sum });
    this.#bookmarks.push(bookmarkOf({ historyId: readBookmark(this.newest).historyId, version }));
    return this.newest;
  }

  /** As a tab reads: a refusal that says when to come again is waited out, within the time there is. Never rejects. */
  async read(options: ServerReadOptions, deadlineMs: number): Promise<Fate> {
    const untilMs = performance.now() + deadlineMs;
    for (;;) {
      const fate = await this.#readOnce(options, untilMs - performance.now());
      if (fate.kind !== 'failed' || fate.retryAfterMs === undefined) return fate;
      if (performance.now() + fate.retryAfterMs > untilMs) return fate;
      this.waitedOut += 1;
      const againMs = performance.now() + fate.retryAfterMs;
      await vi.waitUntil(() => performance.now() >= againMs, { timeout: deadlineMs, interval: 10 });
    }
  }

  async #readOnce(options: ServerReadOptions, deadlineMs: number): Promise<Fate> {
    const head = this.newest;
    const startMs = performance.now();
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), deadlineMs);
    try {
      const { rows, bookmark, replica } = await this.#ask({ ...options, signal: end.signal });
      const tookMs = performance.now() - startMs;
      // What was just written may be read before its own result is here.
      if (!this.#sums.has(readBookmark(bookmark).version)) await this.#writing;
      const why = this.#wrong(rows, bookmark, options.at === 'latest' ? head : options.at);
      return why === null ? { kind: 'answered', replica, tookMs } : { kind: 'wrong', why: `${why}, by ${replica}` };
    } catch (cause) {
      const { code, message, retryAfterMs } = AlcoveError.from(cause);
      if (end.signal.aborted) return { kind: 'late' };
      return LIMIT_CODES.has(code) ? { kind: 'limit' } : { kind: 'failed', code, message, retryAfterMs };
    } finally {
      clearTimeout(timer);
    }
  }

  #wrong(
    rows: readonly { readonly entries: number; readonly sum: number }[],
    bookmark: Bookmark,
    asked: ServerReadOptions['at'],
  ): string | null {
    const { version, historyId } = readBookmark(bookmark);
    const atLeast = asked === undefined || asked === 'any' || asked === 'latest' ? null : readBookmark(asked);
    if (atLeast !== null && (historyId !== atLeast.historyId || version < atLeast.version))
      return `version ${version} for one who asked for ${atLeast.version}`;
    const held = this.#sums.get(version);
    const [row] = rows;
    if (held === undefined || rows.length !== 1 || row?.entries !== held.entries || row.sum !== held.sum)
      return `${JSON.stringify(rows)} at version ${version}, which holds ${JSON.stringify(held)}`;
    return null;
  }
}
