import { AlcoveError } from '@alcove/core/error';
import type { Connection, FieldDef, Submittable } from 'pg';

export interface PgStatement {
  readonly text: string;
  readonly values: readonly PgParameter[];
}
export type PgParameter = string | number | boolean | null | Buffer;
/** Each as PostgreSQL writes it. */
export type TextRow = readonly (string | null)[];

export interface SnapshotScript {
  /** Before the read, in its snapshot; what each of them gives is handed to `decide`. */
  readonly prelude: readonly PgStatement[];
  readonly main: PgStatement;
  /** Sends the read before the prelude has been answered: for where it seldom decides against. */
  readonly isAhead: boolean;
  /** Whether the read is wanted. @throws AlcoveError where it is not */
  decide(rows: readonly (readonly TextRow[])[]): void;
  columns(fields: readonly FieldDef[]): void;
  /** False: enough. What it throws is what the read fails with. */
  row(cells: TextRow): boolean;
}

/** Rows that PostgreSQL sends before it is asked for more: what is sent in vain where the answer is full. */
const BATCH_ROWS = 256;
const BEGIN: PgStatement = { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', values: [] };
const COMMIT: PgStatement = { text: 'COMMIT', values: [] };

/** pg's own connection, as far as it is used: @types/pg has it as it was years ago. */
interface WireConnection {
  readonly stream: { cork(): void; uncork(): void };
  parse(statement: { readonly text: string }): void;
  bind(values: { readonly values: readonly PgParameter[]; valueMapper(value: PgParameter): unknown }): void;
  describe(portal: { readonly type: 'P' }): void;
  execute(portal: { readonly rows?: number }): void;
  flush(): void;
  sync(): void;
}

/**
 * One transaction that only reads, over the extended protocol: everything goes out in one or two packets, and the rows come through a portal, which is left where there are enough.
 * ```
 *   BEGIN · prelude … · [read, rows: 256] · Flush   ──▶   rows … ── suspended ──▶ Execute ── … ──▶ COMMIT · Sync
 * ```
 * An error from PostgreSQL leaves the transaction aborted: whoever holds the client rolls it back.
 */
export class SnapshotRead implements Submittable {
  /** Resolves when the transaction is over. */
  readonly done: Promise<void>;
  /** The prelude was answered, and `decide` asked. */
  isDecided = false;
  readonly #script: SnapshotScript;
  readonly #prelude: TextRow[][] = [[]];
  #connection: WireConnection | null = null;
  /** BEGIN and the statements of the prelude that were answered. */
  #answered = 0;
  #isEnding = false;
  #failure: AlcoveError | null = null;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;

  constructor(script: SnapshotScript) {
    this.#script = script;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as WireConnection; // see there
    this.#connection = wire;
    wire.stream.cork();
    try {
      for (const statement of [BEGIN, ...this.#script.prelude]) this.#send(statement);
      if (this.#script.isAhead) this.#sendMain();
      else wire.flush();
    } finally {
      wire.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldDef[] }): void {
    if (this.#failure === null) this.#script.columns(fields);
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    if (!this.#isMain) {
      this.#prelude.at(-1)?.push(fields);
      return;
    }
    if (this.#isEnding || this.#failure !== null) return;
    try {
      if (!this.#script.row(fields)) this.#end();
    } catch (error) {
      this.#failure = AlcoveError.from(error);
      this.#end();
    }
  }

  handlePortalSuspended(): void {
    if (this.#isEnding) return;
    if (this.#failure !== null) return this.#end();
    this.#connection?.execute({ rows: BATCH_ROWS });
    this.#connection?.flush();
  }

  handleCommandComplete(): void {
    if (this.#isMain) {
      if (!this.#isEnding) this.#end();
      return;
    }
    this.#answered += 1;
    if (this.#answered > 1) this.#prelude.push([]);
    if (this.#isMain) this.#decide();
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handleParseComplete(): void {}

  /** Of PostgreSQL, or of the connection. pg takes the client as free again with the answer to Sync. */
  handleError(error: unknown): void {
    if (!this.#isEnding) this.#connection?.sync();
    this.#isEnding = true;
    this.#settle?.reject(this.#failure ?? error);
  }

  handleReadyForQuery(): void {
    if (this.#failure === null) this.#settle?.resolve();
    else this.#settle?.reject(this.#failure);
  }

  get #isMain(): boolean {
    return this.#answered > this.#script.prelude.length;
  }

  #decide(): void {
    this.isDecided = true;
    try {
      this.#script.decide(this.#prelude.slice(0, -1));
      if (!this.#script.isAhead) this.#sendMain();
    } catch (error) {
      this.#failure = AlcoveError.from(error);
      if (!this.#script.isAhead) this.#end();
    }
  }

  #sendMain(): void {
    this.#sendBound(this.#script.main);
    this.#connection?.describe({ type: 'P' });
    this.#connection?.execute({ rows: BATCH_ROWS });
    this.#connection?.flush();
  }

  #send(statement: PgStatement): void {
    this.#sendBound(statement);
    this.#connection?.execute({});
  }

  #sendBound({ text, values }: PgStatement): void {
    this.#connection?.parse({ text });
    this.#connection?.bind({
      values,
      valueMapper: (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
    });
  }

  /** The portal is left as it is: it goes with the transaction. */
  #end(): void {
    this.#isEnding = true;
    this.#send(COMMIT);
    this.#connection?.sync();
  }
}
