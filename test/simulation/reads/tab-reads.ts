import type { SQL } from 'drizzle-orm';
import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import { type Bookmark, type BookmarkParts, bookmarkOf, readBookmark } from '@alcove/core/protocol/bookmark';
import type { ServerReadOptions } from '../../../packages/client/src/page/server-sql.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { History } from '../oracle/history.ts';
import type { Registry } from '../oracle/registry.ts';
import type { Census } from '../tab/census.ts';
import type { Tab } from '../tab/tab.ts';
import type { ThroughEngine } from '../tab/through-engine.ts';
import type { Findings } from '../world/findings.ts';
import type { Trace } from '../world/trace.ts';
import { questionOf, RULED_QUESTIONS } from './questions.ts';

export interface TabReadsParts {
  readonly findings: Findings;
  readonly trace: Trace;
  readonly history: History;
  readonly registry: Registry;
  readonly census: Census;
  readonly time: VirtualTime;
  readonly random: Prng;
  /** What an engine gives a read beyond its `waitMs`. */
  readonly timeoutMs: number;
}

interface Name {
  readonly clientId: string;
  readonly mutationId: number;
}

/** An answer that must not lack these. */
interface Owed {
  readonly who: string;
  readonly at: BookmarkParts;
  /** Under the names that they go by in the end. */
  readonly names: () => readonly Name[];
}

interface OpenRead {
  readonly tab: Tab;
  readonly said: string;
  /** Past it nobody may wait any more; later, where the page was asleep. */
  deadlineMs: number;
}

/** Codes that tell a reader to come again, or that nobody waits; what else a read ends with is a mistake of somebody's. */
const FAIR: ReadonlySet<ErrorCode> = new Set([
  'read_behind',
  'connection_lost',
  'overloaded',
  'rate_limited',
  'replica_unavailable',
  'query_timeout',
  'closed',
  'worker_deadline',
  'draining',
  'unauthenticated',
  'update_needed',
  'room_outdated',
  'room_failed',
]);
/** Above what the page itself gives an engine (`worker_deadline`): messages take their time. */
const GRACE_MS = 6_500;

/** Reads of tabs, from their calls to their answers: none is older than it may be, and each comes to an end. */
export class TabReads {
  readonly #parts: TabReadsParts;
  readonly #open = new Set<OpenRead>();
  readonly #owed: Owed[] = [];
  /** Of each tab the bookmark that its last answer had. */
  readonly #bookmarks = new Map<Tab, Bookmark>();
  readonly counts = new Map<string, number>();

  constructor(parts: TabReadsParts) {
    this.#parts = parts;
  }

  /** Reads of pages that are there and awake. */
  get open(): number {
    return [...this.#open].filter(({ tab }) => tab.live && !tab.page.paused).length;
  }

  /** What a user of the tab asks just now. */
  ask(tab: Tab): void {
    const { random } = this.#parts;
    const kept = this.#bookmarks.get(tab) ?? tab.room.bookmark();
    const at = random.pick([null, null, null, 'any', 'latest', kept, kept, tab.room.bookmark()] as const);
    this.#ask(tab, {
      ...(at === null ? {} : { at }),
      waitMs: random.pick([30, 300, 1_500]),
      ...(random.chance(0.1) ? { preferPrimary: true } : {}),
      ...(random.chance(0.2) ? { region: random.pick(['north', 'south']) } : {}),
      ...(random.chance(0.15) ? { purpose: 'analytics' } : {}),
      ...(random.chance(0.1) ? { priority: random.pick(['high', 'low'] as const) } : {}),
    });
  }

  /** Somebody reads what rules show to some, as their claims change. */
  askRuled(tab: Tab): void {
    const { random } = this.#parts;
    for (let count = random.int(1, 4); count > 0; count -= 1)
      this.#ask(tab, { at: 'any', waitMs: 300 }, false, random.pick(RULED_QUESTIONS)(random));
  }

  /** At the end: one read of each kind has to be answered. */
  askFinally(tab: Tab): void {
    for (const at of [null, 'latest'] as const) this.#ask(tab, { ...(at === null ? {} : { at }), waitMs: 5_000 }, true);
  }

  #ask(tab: Tab, options: ServerReadOptions, mustAnswer = false, question: SQL = questionOf(this.#parts.random)): void {
    const { random, history, time, trace, timeoutMs } = this.#parts;
    const { at, waitMs = 0 } = options;
    const said = `${tab.name} read at ${time.nowMs.toFixed(0)} ms (${at ?? 'default'}, ${waitMs} ms)`;
    const open: OpenRead = { tab, said, deadlineMs: time.nowMs + waitMs + timeoutMs + GRACE_MS };
    const [head, seeds] = [
      { historyId: history.id, version: history.toldUpTo },
      at === undefined ? this.#parts.census.seedsOf(tab.name) : [],
    ];
    this.#open.add(open);
    this.#count('asked');
    const givesUp = random.chance(0.05) && !mustAnswer ? new AbortController() : null;
    tab.page.enter(() => {
      trace.add(tab.name, `asks ${at ?? 'default'}`);
      tab.room.sql(question, { ...options, ...(givesUp === null ? {} : { signal: givesUp.signal }) }).then(
        ({ bookmark, replica }) => {
          this.#ended(open, `answered by ${replica}`);
          this.#count('answered');
          this.#bookmarks.set(tab, bookmark);
          this.#answered(said, readBookmark(bookmark), at ?? null, head, seeds);
        },
        (error: unknown) => this.#failed(open, AlcoveError.from(error), mustAnswer),
      );
    });
    if (givesUp !== null) time.setTimer(random.int(0, 400), () => tab.page.enter(() => givesUp.abort()));
  }

  #answered(
    said: string,
    at: BookmarkParts,
    asked: NonNullable<ServerReadOptions['at']> | null,
    head: BookmarkParts,
    seeds: readonly string[],
  ): void {
    const { findings, registry } = this.#parts;
    if (asked === null) this.#owed.push({ who: said, at, names: () => seeds.flatMap((seed) => registry.namesOf(seed)) });
    if (asked === 'any' || asked === null) return;
    const least = asked === 'latest' ? head : readBookmark(asked);
    const isSame = at.historyId === least.historyId;
    const isNewer = isSame ? at.version >= least.version : asked === 'latest';
    findings.check(isNewer, 'I34', () => `${said} was answered with ${bookmarkOf(at)}, and must not be older than ${bookmarkOf(least)}`);
  }

  #failed(open: OpenRead, error: AlcoveError, mustAnswer: boolean): void {
    const { findings } = this.#parts;
    this.#ended(open, `fails: ${error.code} ${error.message}`);
    this.#count(`read ${error.code}`);
    if (mustAnswer) return findings.report('I35', `${open.said}, when everything was well, came to ${error.code}: ${error.message}`);
    const isOther = error.code === 'query_invalid' && error.message.includes('another history');
    findings.check(FAIR.has(error.code) || isOther, 'I35', () => `${open.said} ended with ${error.code}: ${error.message}`);
  }

  #ended(open: OpenRead, how: string): void {
    this.#open.delete(open);
    this.#parts.trace.add(open.tab.name, `${open.said} ${how}`);
  }

  /** At any moment: who waits longer than it may waits for ever. */
  look(): void {
    const { time, findings } = this.#parts;
    for (const open of this.#open) {
      const { tab, said } = open;
      if (!tab.live) this.#open.delete(open);
      else if (tab.page.paused) open.deadlineMs = Math.max(open.deadlineMs, time.nowMs + GRACE_MS);
      else findings.check(time.nowMs <= open.deadlineMs, 'I35', () => `${said} has no answer`);
    }
  }

  /** As an engine takes it: what it shows and has pending at this moment its answer may not lack. */
  readonly throughEngine: ThroughEngine = async (who, engine, read, pending, run) => {
    if (read.at !== null) return run();
    const { historyId, version } = engine.status();
    const answer = await run();
    const at = readBookmark(answer.bookmark);
    // What a newer release called an older one holds back as soon as it knows, and counts no more.
    const names = pending.filter(({ clientId, mutationId }) => this.#parts.registry.get(clientId, mutationId)?.isNewer !== true);
    this.#owed.push({ who: `a read of ${who}`, at, names: () => names });
    this.#parts.findings.check(
      historyId !== at.historyId || at.version >= (version ?? 0),
      'I34',
      () => `a read of ${who}, which showed version ${version ?? 0}, was answered with version ${at.version}`,
    );
    return answer;
  };

  /** What was called before a read stands in what it was answered with, if it stands anywhere. */
  judge(): void {
    const { history, findings } = this.#parts;
    for (const { who, at, names } of this.#owed.splice(0)) {
      const read = history.of(at.historyId);
      if (read === undefined) return findings.report('I33', `${who} is of history ${at.historyId}, which never was`);
      for (const { clientId, mutationId } of names()) {
        const fate = read.fateOf(clientId, mutationId);
        findings.check(
          fate === undefined || fate.version <= at.version || read.isUnknowable(clientId),
          'I34',
          () =>
            `${who} was answered with version ${at.version} and lacks mutation ${mutationId} of ${clientId}, called before it and decided by ${fate?.version ?? 0}`,
        );
      }
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
