import { isObject, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { STATEMENT_KINDS, STATEMENT_TARGETS, STATEMENT_TARGETS_DEFAULT, type StatementTargets } from './classify-statement.ts';
import { invalid, nameOf, namesOf, numberOf, oneOf, switchOf } from './option-values.ts';
import { resolveReplicas, type ResolvedReplica } from './replica-options.ts';
import { type Environment, optionsFromEnvironment } from './router-environment.ts';
import { ROUTER_LIMIT_NAMES, ROUTER_LIMITS, type RouterLimits } from './router-limits.ts';
import type { ResolvedRouterOptions, RouterOptions, RouterSettings } from './router-options.ts';
import { STRATEGIES } from './strategy.ts';

const ROUTER_OPTIONS: KeysOf<RouterOptions> = {
  enabled: true,
  strategy: true,
  region: true,
  defaultToReplica: true,
  breaker: true,
  operationClasses: true,
  statements: true,
  limits: true,
  replicas: true,
};
const LIMITS = Object.fromEntries(ROUTER_LIMIT_NAMES.map((name) => [name, true as const]));
const STATEMENTS = Object.fromEntries(STATEMENT_KINDS.map((kind) => [kind, true as const]));

/** Each is a breaker a replica: reads name their purpose, and names must not become memory. */
const OPERATION_CLASSES_MAX = 16;

/**
 * @param environment Variables by name.
 * @throws AlcoveError `option_invalid`: names the option or the variable, what was given and what may be.
 */
export function resolveRouterOptions(given: RouterOptions, environment: Environment = {}): ResolvedRouterOptions {
  refuseUnknownKeys('option_invalid', 'routing of reads', given, ROUTER_OPTIONS);
  const fromEnvironment = optionsFromEnvironment(environment);
  const {
    enabled = true,
    strategy = 'least-connections',
    region,
    defaultToReplica = true,
    breaker = true,
    ...options
  }: RouterOptions = {
    ...fromEnvironment,
    ...withoutUnset(given),
  };
  const limits = resolveRouterLimits(given.limits, fromEnvironment.limits);
  const { lagVersionsMax, lagMsMax, breakerFailuresMax, breakerWindowMs, breakerOpenMs, rampMs, slowFactor, slowFloorMs } = limits;
  const replicas = resolveReplicas(options.replicas ?? []);
  const router: RouterSettings = {
    enabled: switchOf('enabled', enabled),
    strategy: oneOf('strategy', strategy, STRATEGIES),
    region: region === undefined ? null : nameOf('region', region),
    defaultToReplica: switchOf('defaultToReplica', defaultToReplica),
    isBreakerOn: switchOf('breaker', breaker),
    operationClasses: resolveClasses(options.operationClasses ?? [], replicas),
    statements: resolveStatements(options.statements),
    lagVersionsMax,
    lagMsMax,
    breaker: { failuresMax: breakerFailuresMax, windowMs: breakerWindowMs, openMs: breakerOpenMs, rampMs },
    slow: { slowFactor, slowFloorMs },
    limits,
  };
  return { router, replicas };
}

function resolveRouterLimits(given: Partial<RouterLimits> = {}, fromEnvironment: Partial<RouterLimits> = {}): RouterLimits {
  refuseUnknownKeys('option_invalid', 'limits of the routing of reads', given, LIMITS);
  const entries = ROUTER_LIMIT_NAMES.map((name) => {
    const bounds = ROUTER_LIMITS[name];
    return [name, numberOf(`limits.${name}`, given[name] ?? fromEnvironment[name] ?? bounds.default, bounds)];
  });
  return Object.fromEntries(entries) as RouterLimits; // one entry a name
}

const withoutUnset = (given: RouterOptions): RouterOptions =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

function resolveClasses(given: unknown, replicas: readonly ResolvedReplica[]): ReadonlySet<string> {
  const classes = new Set([...namesOf('operationClasses', given), ...replicas.flatMap(({ settings }) => settings.purposes)]);
  if (classes.size <= OPERATION_CLASSES_MAX) return classes;
  throw invalid(`operationClasses and the purposes of replicas are ${classes.size} together, and may be ${OPERATION_CLASSES_MAX}`);
}

function resolveStatements(given: unknown = {}): StatementTargets {
  refuseUnknownKeys('option_invalid', 'statements of the routing of reads', given, STATEMENTS);
  const targets = Object.entries(isObject(given) ? given : {}).filter(([, target]) => target !== undefined);
  for (const [kind, target] of targets) {
    oneOf(`statements.${kind}`, target, STATEMENT_TARGETS);
    // Whoever answers reads writes nothing, wherever it stands.
    if ((kind === 'write' || kind === 'schema') && target !== 'refuse')
      throw invalid(`statements.${kind} can only be refuse: reads change nothing`);
  }
  return { ...STATEMENT_TARGETS_DEFAULT, ...Object.fromEntries(targets) };
}
