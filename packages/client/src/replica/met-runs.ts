/** A run that is shown: the rows it saw, by RowsSeen's names; null: perhaps any. */
interface Seeing {
  readonly seen: ReadonlySet<string> | null;
}

/**
 * Which runs are to be taken back where the rows `touched` change below them: those that saw one of these rows, and those that `isGone` names. Each may leave other
 * rows behind the next time, so that the later ones are among them that saw a row it saw; after one that may have seen anything that is all of them. The others
 * can stay: what they saw is as it was, and none that is taken back looks at a row of a later one that stays, unless it looks elsewhere the next time.
 */
export function metRuns<Run extends Seeing>(shown: readonly Run[], touched: ReadonlySet<string>, isGone: (run: Run) => boolean): Set<Run> {
  const met = new Set<Run>();
  const names = new Set(touched);
  let isAny = false;
  for (const run of shown) {
    const { seen } = run;
    isAny ||= seen === null;
    if (!isAny && !isGone(run) && (seen === null || !meets(seen, names))) continue;
    met.add(run);
    for (const name of seen ?? []) names.add(name);
  }
  return met;
}

/** Whether one that ran again, `new` in its place among those that `stayed`, saw a row that one after it had seen and was there too early. */
export function sawLater(shown: readonly (Seeing & { readonly hasStayed: boolean })[]): boolean {
  const later = new Set<string>();
  for (const { seen, hasStayed } of shown.toReversed()) {
    if (hasStayed) for (const name of seen ?? []) later.add(name);
    else if (later.size > 0 && (seen === null || meets(seen, later))) return true;
  }
  return false;
}

function meets(seen: ReadonlySet<string>, names: ReadonlySet<string>): boolean {
  for (const name of seen) if (names.has(name)) return true;
  return false;
}
