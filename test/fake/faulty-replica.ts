import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Dialect, EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../packages/server/src/read/replica.ts';
import { DIGEST_TIMEOUT_MS, type RoomDigest } from '../../packages/server/src/read/room-digest.ts';
import type { FakeRuntime } from './fake-runtime.ts';
import { Prng } from './prng.ts';

/**
 * `up` · `down` refuses at once · `silent` takes reads and says nothing until it is ended · `lagging` is ten seconds behind · `gray` answers, fifty times slower, one of five of its reads ·
 * `lying` answers with what it has, however old · `astray` is of another history, and does not mind · `deaf` as silent, and goes on half a second after it was ended.
 */
export type Fault = 'up' | 'down' | 'silent' | 'lagging' | 'gray' | 'lying' | 'astray' | 'deaf';

/** What the replicas are copies of: one room whose versions are known by the time they were made. */
export class PlainHistory {
  readonly historyId = 'h1';
  readonly #madeMs: number[] = [];
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime) {
    this.#runtime = runtime;
  }

  get version(): number {
    return this.#madeMs.length;
  }

  /** @returns the version of the write. */
  write(): number {
    return this.#madeMs.push(this.#runtime.monotonicMs());
  }

  /** The version that was the newest then. */
  versionAt(ms: number): number {
    let version = this.#madeMs.length;
    while (version > 0 && (this.#madeMs[version - 1] ?? 0) > ms) version -= 1;
    return version;
  }
}

export interface FaultyReplicaOptions {
  readonly id: string;
  readonly seed?: string;
  readonly dialect?: Dialect;
  /** Of a read while it is up, on average. */
  readonly readMs?: number;
  /** Behind the primary while it is up. */
  readonly lagMs?: number;
  /** Part of the reads that are answered with one of the codes that are answers. */
  readonly refusals?: number;
}

/** What a replica said to a read: the code of an error, or `answer`. */
export interface Said {
  readonly sql: string;
  readonly replica: string;
  readonly said: ErrorCode | 'answer';
}

const REFUSALS: readonly ErrorCode[] = ['query_timeout', 'sql_failed', 'result_too_large', 'sql_refused'];

/** A replica on virtual time whose faults are set from outside, and which keeps count. Its answers hold the version that they really are of. */
export class FaultyReplica implements Replica {
  readonly id: string;
  readonly dialect: Dialect;
  fault: Fault = 'up';
  /** Of a read while it is up. */
  readMs: number;
  lagMs: number;
  running = 0;
  runningMax = 0;
  reads = 0;
  checks = 0;
  isClosed = false;
  /** It holds other rows than it should, and answers with them. */
  isPoisoned = false;
  /** What a resync is good for. */
  resyncs: 'mend' | 'fail' | 'change nothing' = 'mend';
  digests = 0;
  /** What the digest of a room takes, by its id; others take no time. */
  readonly digestMs = new Map<string, number>();
  /** Of each room, as its digest has it. */
  rows = 1;
  /** It has answered with less than was asked for. */
  lied = false;
  readonly said: Said[] = [];
  readonly #runtime: FakeRuntime;
  readonly #history: PlainHistory;
  readonly #prng: Prng;
  readonly #refusals: number;

  constructor(runtime: FakeRuntime, history: PlainHistory, options: FaultyReplicaOptions) {
    this.#runtime = runtime;
    this.#history = history;
    this.id = options.id;
    this.dialect = options.dialect ?? 'sqlite';
    this.readMs = options.readMs ?? 5;
    this.lagMs = options.lagMs ?? 0;
    this.#refusals = options.refusals ?? 0;
    this.#prng = new Prng(`${options.seed ?? ''}${options.id}`);
  }

  async read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    this.reads += 1;
    this.running += 1;
    this.runningMax = Math.max(this.runningMax, this.running);
    const say = (said: Said['said']): void => void this.said.push({ sql: request.sql, replica: this.id, said });
    try {
      const answer = await this.#work(request, signal);
      say('answer');
      return answer;
    } catch (error) {
      if (error instanceof AlcoveError) say(error.code);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  async check(signal: EndSignal): Promise<ReplicaLag> {
    this.checks += 1;
    await this.#pass(signal);
    const versions = this.#history.version - this.#applied();
    return { versions, ms: versions === 0 ? 0 : this.#behindMs() };
  }

  /** Of one table with one row: the version. */
  async digest({ id }: ReadRequest['room'], signal: EndSignal, timeoutMs = DIGEST_TIMEOUT_MS): Promise<RoomDigest> {
    this.digests += 1;
    if (this.isClosed) throw new AlcoveError('closed', 'it is closed');
    if (this.fault === 'down') throw new AlcoveError('replica_unavailable', `${this.id} is down`);
    if (this.fault === 'silent' || this.fault === 'deaf') await this.#sleep(Number.POSITIVE_INFINITY, signal);
    // Of the moment at which it begins.
    const at = { historyId: this.fault === 'astray' ? 'h0' : this.#history.historyId, version: this.#applied() };
    const takesMs = this.digestMs.get(id) ?? 0;
    if (takesMs > 0) await this.#sleep(Math.min(takesMs, timeoutMs), signal);
    if (takesMs > timeoutMs) throw new AlcoveError('query_timeout', `the digest was not done after ${timeoutMs} ms`);
    const sum = this.isPoisoned ? 'f00d' : at.version.toString(16);
    return { at, tables: [{ table: 'versions', rows: this.rows, checksum: sum.padStart(16, '0') }] };
  }

  async resync(): Promise<void> {
    if (this.resyncs === 'fail') throw new AlcoveError('replica_unavailable', `${this.id} cannot be taken anew`);
    if (this.resyncs === 'mend') this.isPoisoned = false;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  async #work(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    await this.#pass(signal);
    if (this.#prng.chance(this.#refusals)) throw new AlcoveError(this.#prng.pick(REFUSALS), 'as it is');
    const version = this.#applied();
    const at: BookmarkParts = { historyId: this.fault === 'astray' ? 'h0' : this.#history.historyId, version };
    const { atLeast } = request;
    const isOld = atLeast !== null && (atLeast.historyId !== at.historyId || at.version < atLeast.version);
    if (isOld && this.fault !== 'lying' && this.fault !== 'astray') throw new AlcoveError('read_behind', `at ${version}`);
    if (isOld) this.lied = true;
    return { columns: ['version'], cells: JSON.stringify([[this.isPoisoned ? -1 : version]]), rows: 1, truncated: false, at };
  }

  /** As long as a read takes, by what is wrong with it when it begins. */
  async #pass(signal: EndSignal): Promise<void> {
    const { fault } = this;
    if (this.isClosed) throw new AlcoveError('closed', 'it is closed');
    if (fault === 'down') throw new AlcoveError('replica_unavailable', `${this.id} is down`);
    const usualMs = this.readMs * (0.5 + this.#prng.float());
    const slow = fault === 'gray' && this.#prng.chance(0.2) ? 50 : 1;
    await this.#sleep(fault === 'silent' || fault === 'deaf' ? Number.POSITIVE_INFINITY : usualMs * slow, signal);
    if (fault === 'deaf') await this.#sleep(500, { ...signal, aborted: false, addEventListener: () => undefined });
    if (signal.aborted) throw new AlcoveError('closed', 'ended');
  }

  #sleep(ms: number, signal: EndSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = this.#runtime.setTimer(ms, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  #behindMs(): number {
    return this.fault === 'lagging' || this.fault === 'lying' || this.fault === 'astray' ? 10_000 : this.lagMs;
  }

  #applied(): number {
    return this.#history.versionAt(this.#runtime.monotonicMs() - this.#behindMs());
  }
}
