import { checkParameters } from './bind-values.ts';
import type { Row, RunResult, Statement } from './database.ts';
import type { EngineStatement } from './engine.ts';
import { type StatementShape, writesRows } from './statement-shape.ts';

const NO_PARAMETERS: Row = [];

/** What a statement may ask of its database. */
export interface StatementPort {
  /** Compiles anew and puts the statement (back) into the cache. */
  compile(): EngineStatement;
  guard<T>(run: () => T): T;
  /** For what runs nothing, and so may be asked during an iteration too. */
  describe<T>(ask: () => T): T;
  iterate(start: () => IterableIterator<Row>): IterableIterator<Row>;
}

/** Outlives its place in the cache: released there, it compiles anew at its next use. */
export class CachedStatement implements Statement {
  readonly #sql: string;
  readonly #shape: StatementShape;
  readonly #port: StatementPort;
  #compiled: EngineStatement | undefined;
  #columns: readonly string[] | undefined;

  constructor(sql: string, shape: StatementShape, port: StatementPort) {
    this.#sql = sql;
    this.#shape = shape;
    this.#port = port;
  }

  compiled(): EngineStatement {
    this.#compiled ??= this.#port.compile();
    return this.#compiled;
  }

  release(): void {
    this.#compiled?.release();
    this.#compiled = undefined;
    this.#columns = undefined;
  }

  get columns(): readonly string[] {
    const compiled = this.compiled();
    this.#columns ??= this.#port.describe(() => compiled.columnNames());
    return this.#columns;
  }

  get writes(): boolean {
    return writesRows(this.#shape);
  }

  run(params: Row = NO_PARAMETERS): RunResult {
    const compiled = this.#ready(params);
    const changes = this.#port.guard(() => compiled.run(params));
    return { changes: writesRows(this.#shape) ? changes : 0 };
  }

  all(params: Row = NO_PARAMETERS): Row[] {
    const compiled = this.#ready(params);
    return this.#port.guard(() => compiled.all(params));
  }

  get(params: Row = NO_PARAMETERS): Row | undefined {
    const compiled = this.#ready(params);
    // Outside a transaction a writing statement commits at its end: left after its first row, a failing commit would go unnoticed.
    return this.#port.guard(() => (writesRows(this.#shape) ? compiled.all(params)[0] : compiled.first(params)));
  }

  iterate(params: Row = NO_PARAMETERS): IterableIterator<Row> {
    this.#ready(params);
    return this.#port.iterate(() => this.compiled().iterate(params));
  }

  #ready(params: Row): EngineStatement {
    checkParameters(params, this.#shape.parameterCount, this.#sql);
    return this.compiled();
  }
}
