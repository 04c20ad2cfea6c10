/** One figure of `npm run bench`, one JSON object a line. */
export interface Figure {
  readonly name: string;
  /** Of `ours` and `floor`. */
  readonly unit: string;
  /** Median over the runs. */
  readonly ours: number;
  /** Null where there is nothing to hold it against: a report. */
  readonly floor: number | null;
  /** Cost-like: 1 is the floor, larger is worse. The median of the runs' own ratios; for a throughput floor ÷ ours. */
  readonly ratio: number | null;
  /** (upper − lower quartile) ÷ median of the runs' ratios (of `ours`, in a report): what noise there was. */
  readonly spread: number;
  readonly runs: number;
  /** What was measured against what. */
  readonly what: string;
}

/** A figure that this machine cannot give. */
export interface Skipped {
  readonly name: string;
  /** Why. */
  readonly skipped: string;
}

export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<readonly (Figure | Skipped)[]>;
}

export interface BenchOptions {
  /** How many interleaved pairs to measure, where the bench has no reason for another number. */
  readonly runs: number;
  /** Says what is going on; not part of the result. */
  say(line: string): void;
}

export interface PairOf<Value> {
  readonly ours: Value;
  readonly floor: Value;
}

export type Pair = PairOf<number>;

/** Ours and floor in turn, the order of the two alternating, so that a drift of the machine falls on both. The first pair is not counted. */
export async function interleave<Value = number>(
  runs: number,
  ours: () => Promise<Value> | Value,
  floor: () => Promise<Value> | Value,
): Promise<PairOf<Value>[]> {
  const pairs: PairOf<Value>[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const oursFirst = run % 2 === 0;
    const first = await (oursFirst ? ours() : floor());
    const second = await (oursFirst ? floor() : ours());
    if (run > 0) pairs.push(oursFirst ? { ours: first, floor: second } : { ours: second, floor: first });
  }
  return pairs;
}

/** One number of each pair. */
export const pairsBy = <Value>(pairs: readonly PairOf<Value>[], of: (value: Value) => number): Pair[] =>
  pairs.map(({ ours, floor }) => ({ ours: of(ours), floor: of(floor) }));

/** A figure from pairs. `throughput`: larger is better, so the ratio is floor ÷ ours. */
export function figureOf(
  about: { readonly name: string; readonly unit: string; readonly what: string; readonly throughput?: boolean },
  pairs: readonly Pair[],
): Figure {
  const ratios = pairs.map(({ ours, floor }) => (about.throughput === true ? floor / ours : ours / floor));
  return {
    name: about.name,
    unit: about.unit,
    ours: median(pairs.map(({ ours }) => ours)),
    floor: median(pairs.map(({ floor }) => floor)),
    ratio: median(ratios),
    spread: spreadOf(ratios),
    runs: pairs.length,
    what: about.what,
  };
}

/** A figure without a floor. */
export function reportOf(
  about: { readonly name: string; readonly unit: string; readonly what: string },
  values: readonly number[],
): Figure {
  return {
    name: about.name,
    unit: about.unit,
    ours: median(values),
    floor: null,
    ratio: null,
    spread: spreadOf(values),
    runs: values.length,
    what: about.what,
  };
}

/** The value below which that share of the values lies, 0 … 1; of neighbours the nearer one. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
  if (value === undefined) throw new RangeError('nothing was measured');
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

function spreadOf(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}
