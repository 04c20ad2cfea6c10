import type { History, Position } from '../oracle/history.ts';
import type { Findings } from '../world/findings.ts';

interface Shown {
  readonly position: Position;
  /** The room's at that moment. */
  readonly line: number;
}

/** What one tab has shown, over all its workers: no older version after a newer one, unless the room itself has gone back behind that. */
export class ShownByTab {
  readonly #history: History;
  readonly #findings: Findings;
  /** The newest of each line. */
  #newest: Shown[] = [];
  /** What its page was told last. */
  #told: Position | null = null;
  /** The first thing that its page had shown and what followed was without, and that. */
  #break: readonly [Position, Position] | null = null;

  constructor(history: History, findings: Findings) {
    this.#history = history;
    this.#findings = findings;
  }

  /** An engine of it shows that. */
  saw(by: string, position: Position): void {
    for (const shown of this.#newest)
      this.#findings.check(
        !isBehind(this.#history, position, shown.position) || this.#wentBack(position, shown),
        'I8',
        () => `${by} shows version ${position.version}, its tab has shown ${shown.position.version}`,
      );
    if (this.#newest.some((shown) => follows(this.#history, shown.position, position))) return;
    this.#newest = this.#newest.filter((shown) => !follows(this.#history, position, shown.position));
    this.#newest.push({ position, line: this.#history.line });
  }

  /** Its page heard that this is shown. */
  told(position: Position): void {
    const before = this.#told;
    if (before !== null && !follows(this.#history, position, before)) this.#break ??= [before, position];
    this.#told = position;
  }

  /** What its page was told last. */
  get last(): Position | null {
    return this.#told;
  }

  /** What it had shown, and what it showed next, without it; null: it never did. */
  get lost(): readonly [Position, Position] | null {
    return this.#break;
  }

  /** Whether the room was, since that was shown, on a line without it, at this position or before. */
  #wentBack(position: Position, shown: Shown): boolean {
    const was = this.#history.lineThrough(shown.position);
    return (
      was !== undefined &&
      this.#history
        .linesSince(shown.line)
        .some((line) => line.holds(position) && !line.holds(shown.position) && line.commonWith(was) <= position.version)
    );
  }
}

/** Whether what stands there has all that stood at `before`. */
function follows(history: History, { historyId, version, hash }: Position, before: Position): boolean {
  if (historyId !== before.historyId || version < before.version) return false;
  if (version === before.version) return hash === before.hash;
  return history.lineThrough({ historyId, version, hash })?.holds(before) === true;
}

/** Whether that is an older version of what was shown. */
const isBehind = (history: History, position: Position, shown: Position): boolean =>
  position.version < shown.version && follows(history, shown, position);
