import type { BreakerSettings } from './breaker.ts';
import type { ReadRoute } from './read-route.ts';
import type { Dialect } from './replica.ts';
import { lags, type Openness, opennessOf, placesOf, type ReplicaState } from './replica-state.ts';
import { preferenceOf, type Strategy, type StrategyMoment } from './strategy.ts';

/** What the choice depends on of a read. */
export interface ReadFacts {
  readonly dialect: Dialect;
  /** What breakers tell apart. */
  readonly operationClass: string;
  readonly route: ReadRoute;
  /** Nobody but the primary's readers. */
  readonly primaryOnly: boolean;
  /** Could not be asked by this very read. */
  readonly tried: ReadonlySet<string>;
  /** What is known of each replica's version of the room, beside what the read asks for. */
  readonly versionAt: (id: string) => VersionKnown;
}

/** `reached` the version that the read asks for, or it asks for none · `unknown` · `behind` it, when last heard of · `other-history`. */
export type VersionKnown = 'reached' | 'unknown' | 'behind' | 'other-history';

export interface ChoiceSettings {
  /** Off: the primary's readers alone. */
  readonly enabled: boolean;
  readonly strategy: Strategy;
  /** Where this server stands: for reads that name no region. */
  readonly region: string | null;
  /** Off: the primary's readers go first, and replicas stand in for them. */
  readonly defaultToReplica: boolean;
  readonly lagVersionsMax: number;
  readonly lagMsMax: number;
  readonly breaker: BreakerSettings;
}

/** What differs from one choice to the next. */
export interface ChoiceMoment extends StrategyMoment {
  /** Monotonic. */
  readonly nowMs: number;
}

export interface Candidate {
  readonly id: string;
  readonly isPrimary: boolean;
  /** It is tried out by this read, and takes no other meanwhile. */
  readonly isProbe: boolean;
  /** Has as many reads as it may: the read waits for a place. */
  readonly isBusy: boolean;
  readonly version: VersionKnown;
}

export type LeftOutReason =
  | 'dialect'
  | 'tried'
  | 'disabled'
  | 'draining'
  | 'no-weight'
  | 'not-primary'
  | 'purpose'
  | 'wrong'
  | 'unchecked'
  | 'down'
  | 'other-history'
  | 'lagging'
  | 'breaker-open'
  | 'slow';

export interface LeftOut {
  readonly id: string;
  readonly reason: LeftOutReason;
}

export interface Choice {
  /** Best first; those that are busy come last, the emptiest of them first. */
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
}

interface Fit {
  readonly state: ReplicaState;
  readonly openness: Openness;
}

/** A replica that has answered nothing for as long, though asked, may have stopped; what it has may also just take long. */
const SILENT_MS = 1_000;
/** One that is in step was level so long ago at the most. */
const LEVEL_MS = 1_000;

interface Weighed {
  readonly candidate: Candidate;
  /** Compared from left to right, the least first. */
  readonly order: readonly number[];
}

/**
 * Who is asked, in which order, and why the others are not. Decides from what it is handed alone: equal arguments, equal choice.
 *
 * Whoever is known to be new enough, or was level when it was last looked at, goes first, then the lower tier, then the region that was asked for, then the strategy. The primary's readers come after the replicas
 * unless they are preferred. A replica that is much slower than the others counts only while there is no other.
 */
export function chooseReplica(facts: ReadFacts, states: readonly ReplicaState[], settings: ChoiceSettings, moment: ChoiceMoment): Choice {
  const leftOut: LeftOut[] = [];
  const fit: Fit[] = [];
  for (const state of states) {
    const openness = opennessOf(state, facts.operationClass, moment.nowMs, settings.breaker);
    const reason = whyNot(facts, state, openness, settings);
    if (reason === null) fit.push({ state, openness });
    else leftOut.push({ id: state.settings.id, reason });
  }
  const inQuestion = fit.filter(({ state }) => isInQuestion(state, facts, fit));
  const isPaced = inQuestion.some(({ state, openness }) => !state.settings.isPrimary && !openness.isPaceShut && !openness.isBreakerShut);
  const weighed: Weighed[] = [];
  const turns = fit.filter(({ state }) => !state.settings.isPrimary);
  for (const one of fit) {
    const { id, isPrimary } = one.state.settings;
    const isSlow = !isPrimary && isPaced && one.openness.isPaceShut && !one.openness.probe;
    if (!inQuestion.includes(one)) leftOut.push({ id, reason: 'purpose' });
    else if (isSlow) leftOut.push({ id, reason: 'slow' });
    else weighed.push(weigh(facts, one, settings, moment, [Math.max(0, turns.indexOf(one)), Math.max(1, turns.length)]));
  }
  weighed.sort((a, b) => compareOrders(a.order, b.order));
  return { candidates: weighed.map(({ candidate }) => candidate), leftOut };
}

const isSetAside = ({ settings }: ReplicaState): boolean => settings.purposes.length > 0;

/** While one that is set aside for the read can be asked, nobody else is, not even when it is busy: others are not to be held up by such reads. */
function isInQuestion(state: ReplicaState, { primaryOnly, route }: ReadFacts, fit: readonly Fit[]): boolean {
  if (primaryOnly || isSetAside(state) || !fit.some((one) => isSetAside(one.state))) return true;
  return state.settings.isPrimary && route.preferPrimary;
}

/** Why a replica is out whoever else there is. */
function whyNot(facts: ReadFacts, state: ReplicaState, openness: Openness, settings: ChoiceSettings): LeftOutReason | null {
  const { id, dialect, weight, purposes, isPrimary } = state.settings;
  if (dialect !== facts.dialect) return 'dialect';
  if (facts.tried.has(id)) return 'tried';
  if (!state.enabled) return 'disabled';
  if (state.draining) return 'draining';
  if (state.isWrong) return 'wrong';
  if (!isPrimary && (facts.primaryOnly || !settings.enabled)) return 'not-primary';
  if (weight === 0 && !isPrimary) return 'no-weight';
  if (purposes.length > 0 && (facts.route.purpose === null || !purposes.includes(facts.route.purpose))) return 'purpose';
  if (!isPrimary && state.checkedMs === null) return 'unchecked';
  if (state.isDown) return 'down';
  if (facts.versionAt(id) === 'other-history') return 'other-history';
  if (!isPrimary && lags(state, settings)) return 'lagging';
  return openness.isBreakerShut && !openness.probe ? 'breaker-open' : null;
}

function weigh(
  facts: ReadFacts,
  { state, openness }: Fit,
  settings: ChoiceSettings,
  moment: ChoiceMoment,
  [place, count]: readonly [number, number],
): Weighed {
  const { route } = facts;
  const { id, isPrimary, region, tier } = state.settings;
  const version = facts.versionAt(id);
  const places = placesOf(state, moment.nowMs, settings.breaker);
  const isBusy = state.inFlight >= places || state.queued > 0;
  const isPrimaryFirst = route.preferPrimary || !settings.defaultToReplica;
  const wanted = route.region ?? (settings.strategy === 'region' ? settings.region : null);
  const order = [
    isBusy ? 1 : 0,
    isBusy && state.silentMs > SILENT_MS ? 1 : 0,
    isBusy ? (state.inFlight + state.queued) / places : 0,
    isPrimary === isPrimaryFirst ? 0 : 1,
    versionOrder(state, version),
    trialOrder(facts, openness, state.silentMs, moment.random()),
    tier,
    wanted === null || wanted === region ? 0 : 1,
    preferenceOf(state, settings.strategy, moment, place, count),
  ];
  return { candidate: { id, isPrimary, isProbe: openness.probe, isBusy, version }, order };
}

/** What was level when it was last looked at most likely has what was not heard of either: asking costs little, and else whoever answered first had all reads of a room. */
function versionOrder({ lag }: ReplicaState, version: VersionKnown): number {
  if (version === 'reached') return 0;
  if (version === 'behind') return 2;
  return lag !== null && lag.ms < LEVEL_MS ? 0 : 1;
}

/**
 * A replica that has to be tried out comes first, or nobody ever would ask it; the next read has others. What is urgent, or has failed once already, is no trial. One that
 * comes back by degrees keeps its place for its share of the reads. One that is silent is spared until it says something.
 */
function trialOrder(
  { route, tried }: ReadFacts,
  { probe, share, shareIfSlow, isPaceShut }: Openness,
  silentMs: number,
  random: number,
): number {
  if (silentMs > SILENT_MS) return 2;
  if (probe) return route.priority === 'high' || tried.size > 0 ? 2 : 0;
  return random < (isPaceShut ? shareIfSlow : share) ? 1 : 2;
}

export function compareOrders(a: readonly number[], b: readonly number[]): number {
  for (const [index, key] of a.entries()) {
    const difference = key - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
