import type { ChoiceSettings } from './choose-replica.ts';
import type { StatementTargets } from './classify-statement.ts';
import type { SlowSettings } from './eject-slow.ts';
import type { ReplicaOptions, ResolvedReplica } from './replica-options.ts';
import type { RouterLimits } from './router-limits.ts';
import type { Strategy } from './strategy.ts';

/** How reads find their replica. What is not given comes from the environment, as `ALCOVE_READS_…`, else it has its default. */
export interface RouterOptions {
  /** Off: the primary's readers alone answer. Default: on. */
  readonly enabled?: boolean;
  /** `least-connections` by default: it needs no figures of the past. */
  readonly strategy?: Strategy;
  /** Where this server stands. */
  readonly region?: string;
  /** Off: the primary's readers go first, and replicas stand in for them. Default: on. */
  readonly defaultToReplica?: boolean;
  /** Off: what fails, or is slow, goes on being asked. Default: on. */
  readonly breaker?: boolean;
  /** Purposes of reads whose failures say nothing about other reads: each has breakers of its own, as the purposes that replicas are set aside for have. */
  readonly operationClasses?: readonly string[];
  /** Where a kind of statement goes: `replica`, `primary` or `refuse`. */
  readonly statements?: Partial<StatementTargets>;
  readonly limits?: Partial<RouterLimits>;
  /** Where this list is given, no `ALCOVE_REPLICA_…` counts. */
  readonly replicas?: readonly ReplicaOptions[];
}

export interface RouterSettings extends ChoiceSettings {
  readonly isBreakerOn: boolean;
  readonly operationClasses: ReadonlySet<string>;
  readonly statements: StatementTargets;
  readonly slow: SlowSettings;
  readonly limits: RouterLimits;
}

export interface ResolvedRouterOptions {
  readonly router: RouterSettings;
  readonly replicas: readonly ResolvedReplica[];
}
