import { AlcoveError } from '../error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Row } from '../sqlite/database.ts';
import type { StatementHooks, StatementResult } from '../sqlite/mutator-tx.ts';
import { refusedIn } from '../sqlite/sql-guard.ts';

/** Bounds of one run of a mutator. What passes one is rolled back, with a final code. */
export interface MutationLimits {
  /** Rows its statements and their cascades change: `mutator_limit`. */
  readonly rowsMax: number;
  /** Statements of any kind: `mutator_limit`. */
  readonly statementsMax: number;
  /** Checked at each statement and at the end: `mutator_timeout`. A loop without statements is not seen before it ends. */
  readonly timeBudgetMs: number;
}

/**
 * Watches the statements of one run. What it refuses stays refused: a body that catches the error and goes on meets it again at its next statement and at the
 * end.
 */
export class RunBudget implements StatementHooks {
  /** The mutator's. */
  readonly name: string;
  readonly #limits: MutationLimits;
  readonly #runtime: Runtime;
  readonly #startMs: number;
  readonly #onStatement: ((sql: string, params: Row) => void) | undefined;
  #refusal: AlcoveError | undefined;
  #ended = false;
  #inFlight = false;
  #failed = false;
  statements = 0;
  rows = 0;

  /** `onStatement` is told of each statement that may run. */
  constructor(name: string, limits: MutationLimits, runtime: Runtime, onStatement?: (sql: string, params: Row) => void) {
    this.#onStatement = onStatement;
    this.name = name;
    this.#limits = limits;
    this.#runtime = runtime;
    this.#startMs = runtime.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#runtime.monotonicMs() - this.#startMs;
  }

  /** Whether SQLite has refused a statement of this run. */
  get sawFailure(): boolean {
    return this.#failed || this.#inFlight;
  }

  beforeStatement(sql: string, params: Row): void {
    this.assertRunning('tx');
    if (this.#refusal !== undefined) throw this.#refusal;
    const refused = refusedIn(sql, params);
    if (refused !== null) this.#refuse(new AlcoveError('sql_refused', `${this.name}: ${refused} (in: ${sql.slice(0, 200)})`));
    this.#failed ||= this.#inFlight;
    this.#inFlight = true;
    this.statements += 1;
    if (this.statements > this.#limits.statementsMax) this.#refuseCount('statements', this.#limits.statementsMax);
    this.#checkTime();
    this.#onStatement?.(sql, params);
  }

  afterStatement(result: StatementResult): void {
    this.#inFlight = false;
    this.#addRows(result.changes);
  }

  /** The body has returned: refuses what it got away with. `rowsCaptured` counts the rows that triggers saw, cascades included. */
  end(rowsCaptured: number): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#addRows(Math.max(rowsCaptured - this.rows, 0));
    this.#checkTime();
  }

  /** After this, `tx` and `ctx` of the run are dead: whoever kept them is told. */
  close(): void {
    this.#ended = true;
  }

  /** @throws AlcoveError `mutator_async` once the run has ended. */
  assertRunning(what: string): void {
    if (!this.#ended) return;
    throw new AlcoveError('mutator_async', `${what} of mutator ${this.name} was used after it had returned`);
  }

  #addRows(count: number): void {
    this.rows += count;
    if (this.rows > this.#limits.rowsMax) this.#refuseCount('rows', this.#limits.rowsMax);
  }

  #checkTime(): void {
    const elapsedMs = this.elapsedMs;
    if (elapsedMs <= this.#limits.timeBudgetMs) return;
    this.#refuse(
      new AlcoveError('mutator_timeout', `${this.name} ran for ${Math.ceil(elapsedMs)} ms; its budget is ${this.#limits.timeBudgetMs} ms`, {
        limit: 'mutatorTimeBudgetMs',
      }),
    );
  }

  #refuseCount(what: 'rows' | 'statements', max: number): never {
    const limit = what === 'rows' ? 'mutatorRowsMax' : 'mutatorStatementsMax';
    return this.#refuse(new AlcoveError('mutator_limit', `${this.name} passed its bound of ${max} ${what}`, { limit }));
  }

  #refuse(error: AlcoveError): never {
    this.#refusal = error;
    throw error;
  }
}
