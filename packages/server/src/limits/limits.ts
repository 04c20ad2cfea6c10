import { AlcoveError } from '@alcove/core/error';
import { nearest } from '@alcove/core/unknown-keys';

/** A bound: what holds where nothing is set, and the range an option may set it to. */
export interface Limit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export const limit = (byDefault: number, min: number, max: number): Limit => ({ default: byDefault, min, max });

export const KB = 1_000;
export const MB = 1_000_000;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * MINUTE;

export type LimitTable = Readonly<Record<string, Limit>>;

/** What a table of limits resolves to: a number a name. */
export type LimitsOf<Table extends LimitTable> = { readonly [Name in keyof Table]: number };

export interface LimitRules<Table extends LimitTable> {
  /** Whose limits they are, as in "no limit of a room". */
  readonly owner: string;
  /** Pairs of which the first must not pass the second. */
  readonly ordered?: readonly (readonly [keyof Table & string, keyof Table & string])[];
}

/**
 * The one way from given limits to those that hold: each is the one given, else its default.
 * @throws AlcoveError `option_invalid`: names the option, what was given and the range.
 */
export function resolveLimits<Table extends LimitTable>(
  table: Table,
  given: Partial<LimitsOf<Table>>,
  { owner, ordered = [] }: LimitRules<Table>,
): LimitsOf<Table> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(table));
    throw new AlcoveError(
      'option_invalid',
      `limits.${unknown} is no limit of ${owner}${near === undefined ? '' : `: did you mean ${near}?`}`,
      {
        hint: 'docs/GUIDE.md lists all limits, with what happens at each.',
      },
    );
  }
  const entries = Object.entries(table).map(([name, bounds]) => [name, resolveLimit(name, bounds, given[name])]);
  const limits = Object.fromEntries(entries) as LimitsOf<Table>; // one entry a name
  for (const [low, high] of ordered) {
    if (limits[low] <= limits[high]) continue;
    throw new AlcoveError('option_invalid', `limits.${low} (${limits[low]}) must not be above limits.${high} (${limits[high]})`);
  }
  return limits;
}

function resolveLimit(name: string, { default: byDefault, min, max }: Limit, given: number | undefined): number {
  if (given === undefined) return byDefault;
  if (Number.isSafeInteger(given) && given >= min && given <= max) return given;
  throw new AlcoveError('option_invalid', `limits.${name} must be a whole number from ${min} to ${max}, and is ${String(given)}`);
}
