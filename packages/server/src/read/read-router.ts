import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { StatementCache } from '@alcove/core/sqlite/statement-cache';
import type { AnsweredRoom } from './answered-rooms.ts';
import { breakerAt } from './breaker.ts';
import { classifyStatement, type ClassifiedStatement } from './classify-statement.ts';
import { mayEject, slowFrom } from './eject-slow.ts';
import { DigestLooks } from './digest-looks.ts';
import { EndSource } from './end-source.ts';
import { KnownVersions } from './known-versions.ts';
import { invalid, numberOf } from './option-values.ts';
import type { ReadRoute, RoutedAnswer } from './read-route.ts';
import type { Dialect, EndSignal, ReadRequest, Replica } from './replica.ts';
import { ReplicaChecks } from './replica-checks.ts';
import { REPLICA_LIMITS, REPLICAS_MAX } from './replica-options.ts';
import type { ReplicaSettings } from './replica-state.ts';
import { type AskedRead, RoutedRead, type RoutedReadParts } from './routed-read.ts';
import { CodeCounts, noCounts } from './router-counts.ts';
import type { RouterSettings } from './router-options.ts';
import { type RouterSnapshot, snapshotOf } from './router-snapshot.ts';
import { SlowReads } from './slow-reads.ts';
import { UnderWay } from './under-way.ts';
import { WatchedReplica } from './watched-replica.ts';

/** Texts of reads, each looked at once while it is in use. */
const CLASSIFIED_TEXTS_MAX = 512;
/** How long what runs on a replica that is removed may go on. */
const DRAIN_MS = 10_000;
/** What no purpose of its own sets apart. */
const PLAIN_CLASS = 'read';
/** Latencies of others are looked at once for all reads within this. */
const SLOW_FROM_MS = 1_000;

/**
 * Finds for each read the replica that answers it. What is known of replicas is kept for each replica, not for each room, but for the versions of rooms that were seen last.
 * Replicas come and go while reads are on their way.
 */
export class ReadRouter {
  readonly #runtime: Runtime;
  readonly #settings: RouterSettings;
  readonly #replicas = new Map<string, WatchedReplica>();
  readonly #checks: ReplicaChecks;
  readonly #parts: RoutedReadParts;
  readonly #errors = new CodeCounts();
  readonly #slow = new SlowReads();
  readonly #classified = new StatementCache<ClassifiedStatement>(CLASSIFIED_TEXTS_MAX, () => undefined);
  readonly #slowFrom = new Map<string, { readonly atMs: number; readonly fromMs: number | null }>();
  readonly #open = new UnderWay<EndSource>();
  #isClosed = false;

  /** @param met Is told the name of each limit that a read met here. */
  constructor(settings: RouterSettings, runtime: Runtime, met: (limit: string) => void = () => undefined) {
    this.#runtime = runtime;
    this.#settings = settings;
    const truth = (): Replica | null => this.#truth();
    this.#checks = new ReplicaChecks(runtime, settings.limits, new DigestLooks(runtime, settings.limits, truth));
    const known = new KnownVersions();
    const counts = noCounts();
    this.#parts = { runtime, settings, replicas: this.#replicas, known, checks: this.#checks, counts, met, waiting: 0, turn: 0 };
  }

  /**
   * Answers a read, from a replica that is new enough for it or not at all.
   * @param waitMs How long replicas may take to reach the version that is asked for.
   * @param dialect Of the SQL.
   * @throws AlcoveError (as rejection) `replica_unavailable`, `read_behind`, `overloaded` (all three with `retryAfterMs`), `sql_refused`, `closed`, and what replicas answer reads with.
   */
  async read(
    request: ReadRequest,
    route: ReadRoute,
    waitMs: number,
    signal: EndSignal,
    dialect: Dialect = 'sqlite',
  ): Promise<RoutedAnswer> {
    const source = new EndSource();
    const ended = (): void => source.end();
    signal.addEventListener('abort', ended, { once: true });
    const place = this.#open.add(source);
    this.#parts.counts.reads += 1;
    const startedMs = this.#runtime.monotonicMs();
    try {
      if (this.#isClosed || signal.aborted)
        throw new AlcoveError('closed', this.#isClosed ? 'the router is closed' : 'nobody waits for the read any more');
      const answer = await new RoutedRead(this.#parts, this.#asked(request, route, waitMs, dialect), source.signal).run();
      this.#tookLong(request, answer.replica, answer.tookMs, false);
      return answer;
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (error.code === 'query_timeout') this.#tookLong(request, null, this.#runtime.monotonicMs() - startedMs, true);
      this.#errors.add(error.code);
      throw error;
    } finally {
      signal.removeEventListener('abort', ended);
      this.#open.remove(place);
    }
  }

  #tookLong({ room, sql }: ReadRequest, replica: string | null, tookMs: number, timedOut: boolean): void {
    this.#slow.add({ replica, room, tookMs, timedOut, sql, atMs: this.#runtime.nowMs() });
  }

  /**
   * The replica is the router's from now on: `remove` and `close` close it. It is asked once a check has found it, the primary's readers at once.
   * @throws AlcoveError `option_invalid` where its id is taken, or is not the replica's, or there are too many.
   */
  add(replica: Replica, settings: ReplicaSettings): void {
    const { id, dialect } = settings;
    if (this.#isClosed) throw new AlcoveError('closed', 'the router is closed');
    if (this.#replicas.has(id)) throw invalid(`there is a replica of the id ${id} already`);
    if (replica.id !== id || replica.dialect !== dialect)
      throw invalid(`the settings of ${id} are not those of replica ${replica.id}: id and dialect must agree`);
    if (this.#replicas.size >= REPLICAS_MAX) throw invalid(`there are ${REPLICAS_MAX} replicas already, the limit`);
    const watched = new WatchedReplica(replica, settings, {
      runtime: this.#runtime,
      settings: this.#settings,
      met: this.#parts.met,
      slowFromMs: (of) => this.#slowFromMs(of),
      mayEject: (of) => this.#mayEject(of),
    });
    this.#replicas.set(id, watched);
    this.#checks.begin(watched);
  }

  /** It takes nothing new, what runs may go on for ten seconds, then it is closed and forgotten. @throws AlcoveError `option_invalid` where there is none of that id. */
  async remove(id: string): Promise<void> {
    const replica = this.#of(id);
    await this.#drained(id);
    // Somebody else may have removed it meanwhile.
    if (this.#replicas.get(id) !== replica) return;
    this.#forget(id);
    await replica.replica.close();
  }

  /** It takes nothing new; resolves when nothing runs any more. `enable` lets it take reads again. */
  async drain(id: string): Promise<void> {
    const replica = this.#of(id);
    replica.state = { ...replica.state, draining: true };
    replica.places.dismiss(new AlcoveError('replica_unavailable', `${id} takes no more reads`));
    await replica.places.whenIdle();
  }

  async #drained(id: string): Promise<void> {
    let over = (): void => undefined;
    const timer = this.#runtime.setTimer(DRAIN_MS, () => over());
    await Promise.race([this.drain(id), new Promise<void>((resolve) => (over = resolve))]);
    timer.cancel();
  }

  /** Switched off it takes nothing new; switched on again it gets its share by degrees. */
  enable(id: string, isEnabled: boolean): void {
    const replica = this.#of(id);
    const { enabled, draining } = replica.state;
    const isBack = isEnabled && (!enabled || draining);
    const backSinceMs = isBack ? this.#runtime.monotonicMs() : replica.state.backSinceMs;
    replica.state = { ...replica.state, enabled: isEnabled, draining: draining && !isEnabled, backSinceMs };
    if (!isEnabled) replica.places.dismiss(new AlcoveError('replica_unavailable', `${id} is switched off`));
  }

  /** @throws AlcoveError `option_invalid` */
  weigh(id: string, weight: number): void {
    const replica = this.#of(id);
    numberOf('weight', weight, REPLICA_LIMITS.weight);
    replica.state = { ...replica.state, settings: { ...replica.state.settings, weight } };
  }

  /**
   * Looks at one replica, or all, and compares what they hold; resolves when that is done, whatever was found: the snapshot has it.
   * @param room Is compared too, whether anybody has read it or not, of the replicas that can be compared.
   * @throws AlcoveError (as rejection) `option_invalid`
   */
  async check(id?: string, room?: AnsweredRoom): Promise<void> {
    const ids = id === undefined ? [...this.#replicas.keys()] : [this.#of(id).id];
    const isCompared = (one: string): boolean => id !== undefined || this.#replicas.get(one)?.state.settings.isPrimary === false;
    await Promise.all(ids.map((one) => this.#checks.now(one, isCompared(one) ? room : undefined)));
  }

  /**
   * Has replicas throw away what they hold of a room and take it anew, then compares it. Meanwhile its reads go elsewhere.
   * @param id Absent: all that hold rooms of their own. Several of PostgreSQL share one mirror: they are asked by name alone.
   * @returns the ids of those that have done so.
   * @throws AlcoveError (as rejection) `option_invalid` where there is none, `replica_unavailable` where one has not done it
   */
  async resync(room: AnsweredRoom, id?: string): Promise<readonly string[]> {
    const asked = id === undefined ? [...this.#replicas.values()] : [this.#of(id)];
    const able = asked.filter((one) => holdsRooms(one, id));
    if (able.length === 0) throw this.#noneHolds(id);
    await Promise.all(
      able.map(async (one) => {
        one.compared.resyncs += 1;
        await one.replica.resync?.(room);
        const truth = this.#truth();
        await this.check(one.id, truth === null || truth === one.replica ? undefined : room);
      }),
    );
    return able.map((one) => one.id);
  }

  /** Whether any holds rooms of its own, the mirror's aside. */
  holdsRooms(): boolean {
    return [...this.#replicas.values()].some((one) => holdsRooms(one, undefined));
  }

  #noneHolds(id: string | undefined): AlcoveError {
    const able = [...this.#replicas.values()].filter((one) => holdsRooms(one, one.id)).map((one) => one.id);
    if (id === undefined) return invalid('there is no replica that holds rooms of its own', NO_COPY_HINT);
    const hint = able.length === 0 ? NO_COPY_HINT : `Name one that does: ${able.join(', ')}.`;
    return invalid(`${id} holds no rooms of its own: it reads what another one writes`, hint);
  }

  /** What reads the very files that are written. */
  #truth(): Replica | null {
    const found = [...this.#replicas.values()].find(({ state }) => state.settings.isPrimary && state.settings.dialect === 'sqlite');
    return found?.replica ?? null;
  }

  /** For status and metrics. */
  snapshot(): RouterSnapshot {
    const { counts, waiting } = this.#parts;
    return snapshotOf(
      [...this.#replicas.values()],
      this.#settings,
      { counts, waiting, errors: this.#errors.toObject(), slowReads: this.#slow.list(this.#runtime.nowMs()) },
      this.#runtime.monotonicMs(),
    );
  }

  /** What is on its way ends with `closed`; all replicas are closed. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const source of this.#open.items) source.end();
    const replicas = [...this.#replicas.values()];
    for (const { id } of replicas) this.#forget(id);
    await Promise.all(replicas.map(({ replica }) => replica.close()));
  }

  #forget(id: string): void {
    this.#replicas.delete(id);
    this.#checks.end(id);
    this.#parts.known.forget(id);
    this.#slowFrom.delete(id);
  }

  #of(id: string): WatchedReplica {
    const replica = this.#replicas.get(id);
    if (replica !== undefined) return replica;
    const ids = [...this.#replicas.keys()];
    throw invalid(
      `there is no replica of the id ${JSON.stringify(id)}. There are: ${ids.join(', ') || 'none'}`,
      ids.length === 0 ? 'Add one, or name some in the option `replicas`.' : 'Name one of those.',
    );
  }

  /** @throws AlcoveError `sql_refused` */
  #asked(request: ReadRequest, route: ReadRoute, waitMs: number, dialect: Dialect): AskedRead {
    const { operationClasses } = this.#settings;
    const operationClass = route.purpose !== null && operationClasses.has(route.purpose) ? route.purpose : PLAIN_CLASS;
    // A text of another dialect is not cut the same way; who made it has said that it reads.
    const target = dialect === 'sqlite' ? this.#classify(request.sql) : 'replica';
    return { request, route, waitMs, dialect, operationClass, primaryOnly: target === 'primary' || route.primaryOnly === true };
  }

  #classify(sql: string): 'replica' | 'primary' {
    let found = this.#classified.get(sql);
    if (found === undefined) {
      found = classifyStatement(sql, this.#settings.statements);
      this.#classified.set(sql, found);
    }
    if (found.target !== 'refuse') return found.target;
    throw new AlcoveError('sql_refused', found.reason ?? 'the statement is not taken here', {
      hint: 'Reads take one SELECT or VALUES; write with mutators.',
    });
  }

  #slowFromMs(id: string): number | null {
    const nowMs = this.#runtime.monotonicMs();
    const known = this.#slowFrom.get(id);
    if (known !== undefined && nowMs - known.atMs < SLOW_FROM_MS) return known.fromMs;
    const others = this.#alive().filter((replica) => replica.id !== id);
    const fromMs = slowFrom(
      others.map(({ latency }) => latency.sorted(nowMs)),
      this.#settings.slow,
    );
    this.#slowFrom.set(id, { atMs: nowMs, fromMs });
    return fromMs;
  }

  #mayEject(id: string): boolean {
    const replicas = this.#alive();
    const { breaker } = this.#settings;
    const nowMs = this.#runtime.monotonicMs();
    const out = replicas.filter(({ state }) => breakerAt(state.pace, nowMs, breaker).state !== 'closed');
    return replicas.some((replica) => replica.id === id) && mayEject(replicas.length, out.length);
  }

  /** Replicas that could answer, whether fast or not. */
  #alive(): WatchedReplica[] {
    return [...this.#replicas.values()].filter(
      ({ state }) => !state.settings.isPrimary && state.enabled && !state.draining && !state.isDown && !state.isWrong,
    );
  }
}

const NO_COPY_HINT =
  'Followers and a mirror hold copies, and this server has neither: they are the options `replicas` and `mirror`. Its own readers read the rooms’ files, of which there is one each.';

const holdsRooms = ({ replica }: WatchedReplica, id: string | undefined): boolean =>
  replica.resync !== undefined && (id !== undefined || replica.dialect === 'sqlite');
