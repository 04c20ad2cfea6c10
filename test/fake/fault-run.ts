import { AlcoveError } from '@alcove/core/error';
import { deadlineMsOf } from '../../packages/server/src/read/routed-read.ts';
import type { Strategy } from '../../packages/server/src/read/strategy.ts';
import type { Fault, FaultyReplica } from './faulty-replica.ts';
import { Prng } from './prng.ts';
import { RoutedReads, type RoutedOutcome } from './routed-reads.ts';

export interface FaultRunOptions {
  readonly seed: string;
  /** For each replica, what is wrong with it, one after the other; then nothing is. */
  readonly schedules: readonly (readonly Stretch[])[];
  /** Of the primary's readers; null: there are none. */
  readonly primary: readonly Stretch[] | null;
  readonly strategy: Strategy;
  readonly refusals: number;
  /** Reads that begin at once. */
  readonly burst: number;
  readonly reads?: number;
  /** Over which they are spread. */
  readonly forMs?: number;
  /** All faults end, and replicas get two minutes of plain reads. */
  readonly thenWell?: boolean;
}

export interface Stretch {
  readonly fault: Fault;
  readonly forMs: number;
}

export interface FaultRun {
  /** What must not be, in words. */
  readonly problems: readonly string[];
  readonly asked: number;
  readonly answered: number;
  readonly byReplicas: number;
  /** Those that failed, by code and message. */
  readonly failed: Readonly<Record<string, number>>;
  answeredWithinMs(ms: number): number;
  /** After all faults: reads that failed, replicas that answered none of them, and those whose breaker or pace is not closed. */
  readonly afterwards: { readonly failed: number; readonly silent: readonly string[]; readonly notClosed: readonly string[] };
}

const CONCURRENCY_MAX = 8;
const QUEUE_MAX = 200;
const RETRIES_MAX = 2;
/** Sessions whose reads never go back. */
const SESSIONS = 6;
const ANSWERS = new Set(['query_timeout', 'sql_failed', 'result_too_large', 'sql_refused', 'answer']);

/** Reads by sessions that write now and then, over replicas with faults; everything that must hold is looked at as it happens. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRun> {
  const { seed, schedules, primary, reads = 200, forMs = 30_000, burst } = options;
  const limits = { checkIntervalMs: 5_000, breakerOpenMs: 10_000, rampMs: 6_000, retriesMax: RETRIES_MAX, queueMax: QUEUE_MAX };
  const world = new RoutedReads({ strategy: options.strategy, limits }, seed);
  const prng = new Prng(`${seed}/run`);
  const problems: string[] = [];
  const outcomes: RoutedOutcome[] = [];
  schedules.forEach((schedule, index) => {
    follow(
      world,
      world.add({ id: `r${index}`, seed, lagMs: index * 40, refusals: options.refusals }, { concurrencyMax: CONCURRENCY_MAX }),
      schedule,
    );
  });
  if (primary !== null) {
    const own = world.add({ id: 'primary', seed, refusals: options.refusals }, { concurrencyMax: CONCURRENCY_MAX, isPrimary: true });
    follow(
      world,
      own,
      primary.filter(({ fault }) => fault !== 'lagging' && fault !== 'lying' && fault !== 'astray'),
    );
  }
  const sessions = Array.from({ length: SESSIONS }, () => new Session(world, prng, problems, outcomes));
  const pending: Promise<void>[] = [];
  const probes = new Map<string, number>();
  let asked = 0;
  for (; asked < reads; asked++) {
    if (asked % burst === 0) await world.runtime.advanceAsync((2 * burst * forMs * prng.float()) / reads);
    pending.push(prng.pick(sessions).read(asked));
    lookAt(world, problems, probes);
  }
  const all = Promise.all(pending);
  await world.during(all);
  checkSaid(world, problems);
  const afterwards = options.thenWell === true ? await afterFaults(world, prng) : { failed: 0, silent: [], notClosed: [] };
  lookAt(world, problems, probes);
  const answered = outcomes.filter(({ code }) => code === null);
  return {
    problems,
    asked: outcomes.length,
    answered: answered.length,
    byReplicas: answered.filter(({ answer }) => answer?.replica !== 'primary').length,
    failed: countFailures(outcomes),
    answeredWithinMs: (ms) => answered.filter(({ tookMs }) => tookMs <= ms).length,
    afterwards,
  };
}

function countFailures(outcomes: readonly RoutedOutcome[]): Record<string, number> {
  const failed: Record<string, number> = {};
  for (const { error } of outcomes) {
    if (!(error instanceof Error)) continue;
    failed[error.message] = (failed[error.message] ?? 0) + 1;
  }
  return failed;
}

/** One reader: what it saw once it sees again, and what it wrote. */
class Session {
  readonly #world: RoutedReads;
  readonly #prng: Prng;
  readonly #problems: string[];
  readonly #outcomes: RoutedOutcome[];
  #version = 0;

  constructor(world: RoutedReads, prng: Prng, problems: string[], outcomes: RoutedOutcome[]) {
    this.#world = world;
    this.#prng = prng;
    this.#problems = problems;
    this.#outcomes = outcomes;
  }

  async read(number: number): Promise<void> {
    const { history, settings } = this.#world;
    if (this.#prng.chance(0.3)) this.#version = history.write();
    const version = this.#prng.chance(0.2) ? null : this.#version;
    const priority = this.#prng.pick(['high', 'normal', 'low'] as const);
    const ask = { version, sql: `SELECT ${number}`, waitMs: this.#prng.pick([0, 100, 2_000]), route: { priority } };
    const outcome = await this.#world.read(ask);
    this.#outcomes.push(outcome);
    const deadlineMs = deadlineMsOf(this.#world.request(ask), ask.waitMs, settings);
    if (outcome.tookMs > deadlineMs) this.#problems.push(`read ${number} took ${outcome.tookMs} ms, and may take ${deadlineMs}`);
    this.#look(number, version, outcome);
  }

  #look(number: number, version: number | null, { answer, error }: RoutedOutcome): void {
    if (answer === null) {
      if (!(error instanceof AlcoveError)) this.#problems.push(`read ${number} failed with ${String(error)}`);
      else if (error.code === 'internal' || error.code === 'closed') this.#problems.push(`read ${number}: ${error.code}, ${error.message}`);
      else if (error.retryable && error.retryAfterMs === undefined)
        this.#problems.push(`read ${number}: ${error.code} without a time to come back`);
      return;
    }
    const [[really = -1] = []] = JSON.parse(answer.cells) as number[][]; // the fake's own cells
    if (version === null) return;
    if (really < version || answer.at.historyId !== this.#world.history.historyId)
      this.#problems.push(
        `read ${number} of ${answer.replica} is of version ${really} of ${answer.at.historyId}, and asked for ${version}`,
      );
    this.#version = Math.max(this.#version, really);
  }
}

/** Sets one fault after the other. */
function follow(world: RoutedReads, replica: FaultyReplica, schedule: readonly Stretch[]): void {
  const [next, ...rest] = schedule;
  replica.fault = next?.fault ?? 'up';
  if (next !== undefined) world.runtime.setTimer(next.forMs, () => follow(world, replica, rest));
}

/**
 * What holds at every moment.
 * @param probes Of each replica that is being tried, how many reads it had had by then.
 */
function lookAt({ replicas, router }: RoutedReads, problems: string[], probes: Map<string, number>): void {
  for (const { id, inFlight, queued, breakers, pace } of router.snapshot().replicas) {
    const replica = replicas.get(id);
    if (replica === undefined) continue;
    const { running, reads } = replica;
    if (running > CONCURRENCY_MAX || inFlight > CONCURRENCY_MAX || queued > QUEUE_MAX)
      problems.push(`${id} has ${running} reads, ${inFlight} places taken and ${queued} waiting`);
    const states = [pace, ...Object.values(breakers)];
    if (states.includes('ramping') && running > CONCURRENCY_MAX / 2) problems.push(`${id} is back and has ${running} reads already`);
    const before = probes.get(id);
    if (breakers['read'] !== 'half-open') probes.delete(id);
    else if (before === undefined) probes.set(id, reads);
    else if (reads > before + 1) problems.push(`${id} is tried by ${reads - before} reads`);
  }
}

/** Reads are asked elsewhere only where somebody could not be had, or was behind; and not often. */
function checkSaid({ replicas }: RoutedReads, problems: string[]): void {
  for (const { id, runningMax } of replicas.values())
    if (runningMax > CONCURRENCY_MAX) problems.push(`${id} had ${runningMax} reads at once`);
  const saidOf = new Map<string, { failures: number; answers: number }>();
  for (const { sql, said } of [...replicas.values()].flatMap((replica) => replica.said)) {
    const counts = saidOf.get(sql) ?? { failures: 0, answers: 0 };
    saidOf.set(sql, counts);
    if (said === 'replica_unavailable') counts.failures += 1;
    if (ANSWERS.has(said)) counts.answers += 1;
  }
  // An older answer than asked for is one that the router refuses: a replica that lies gives one each time it is tried.
  const liars = [...replicas.values()].filter(({ lied }) => lied).length;
  for (const [sql, { failures, answers }] of saidOf) {
    if (failures > RETRIES_MAX + 2) problems.push(`${sql} was tried at ${failures} that could not be had`);
    if (answers > 1 + liars) problems.push(`${sql} was answered ${answers} times`);
  }
}

/** Everything is well again: reads that anybody may answer, for two minutes. */
async function afterFaults(world: RoutedReads, prng: Prng): Promise<FaultRun['afterwards']> {
  const { runtime, replicas, router } = world;
  // Schedules may have some time to go.
  await runtime.advanceAsync(200_000);
  for (let index = 0; index < 600; index++) {
    void world.read();
    await runtime.advanceAsync(200);
  }
  for (const replica of replicas.values()) replica.reads = 0;
  const outcomes: Promise<RoutedOutcome>[] = [];
  for (let index = 0; index < 400; index++) {
    outcomes.push(
      world.read({ version: index % 2 === 0 ? world.history.version : null, route: { priority: prng.pick(['high', 'normal']) } }),
    );
    if (index % 4 === 0) await runtime.advanceAsync(50);
  }
  const done = await world.during(Promise.all(outcomes));
  const { replicas: states } = router.snapshot();
  return {
    failed: done.filter(({ code }) => code !== null).length,
    silent: [...replicas.values()].filter(({ id, reads }) => id !== 'primary' && reads === 0).map(({ id }) => id),
    notClosed: states
      .filter(({ breakers, pace }) => pace !== 'closed' || Object.values(breakers).some((one) => one !== 'closed'))
      .map(({ id }) => id),
  };
}
