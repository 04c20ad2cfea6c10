import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database, Row, Statement } from '@alcove/core/sqlite/database';
import { B_TREES } from '../query/schema-map.ts';
import { SCHEMA_SQL } from '../replica/open-image.ts';
import type { RunMark } from './worker-api.ts';

/** What was done within this is taken to stay that quick; the rest is announced each time it runs. */
const QUICK_MS = 20;
/** Names of what is quick; forgotten all at once past this, which costs only announcements. */
const QUICK_NAMES_MAX = 2_000;

/** What looks at nothing but the schema, while people wait for their first rows; and what compiles a query and does not run it. */
const ENDS_BY_ITSELF: ReadonlySet<string> = new Set([SCHEMA_SQL, B_TREES]);
const PLANS = 'EXPLAIN ';

type Run = NonNullable<RunMark['alcoveRun']>;

/**
 * Announces what may hold the worker's thread: a native statement and a looping mutator can only be ended together with the worker, and the page has to know
 * what it was. What is known to be quick runs unannounced.
 */
export class RunMarks {
  readonly #post: (mark: RunMark) => void;
  readonly #monotonicMs: () => number;
  readonly #quick = new Set<string>();
  readonly #running: Run[] = [];
  #all = false;

  constructor(post: (mark: RunMark) => void, monotonicMs: () => number) {
    this.#post = post;
    this.#monotonicMs = monotonicMs;
  }

  /** From now on everything is announced. */
  markAll(): void {
    this.#all = true;
  }

  /** Whether what goes by `name` is not announced. */
  isQuick(name: string): boolean {
    return (this.#quick.has(name) || ENDS_BY_ITSELF.has(name) || name.startsWith(PLANS)) && !this.#all;
  }

  /** Runs `fn`, announced under `run` unless `name` is known to be quick. */
  around<Result>(name: string, run: () => Run, fn: () => Result): Result {
    if (this.isQuick(name)) return fn();
    const startedMs = this.#monotonicMs();
    this.#running.push(run());
    this.#announce();
    try {
      return fn();
    } finally {
      this.#running.pop();
      this.#announce();
      if (this.#quick.size >= QUICK_NAMES_MAX) this.#quick.clear();
      if (this.#monotonicMs() - startedMs <= QUICK_MS) this.#quick.add(name);
      else this.#quick.delete(name);
    }
  }

  /** The mutation that encloses what is about to run, of the same room. */
  enclosing(handle: number): Run['mutation'] {
    const run = this.#running.at(-1);
    return run?.handle === handle ? run.mutation : null;
  }

  #announce(): void {
    this.#post({ alcoveRun: this.#running.at(-1) ?? null });
  }
}

/** The same room with mutators that announce themselves. */
export function markMutators(room: AnyRoom, handle: number, marks: RunMarks): AnyRoom {
  const mutators = Object.entries(room.mutators).map(([name, mutator]) => {
    const body: typeof mutator.body = (tx, args, ctx) =>
      marks.around(
        `mutator ${room.name} ${name}`,
        () => ({ handle, statement: null, mutation: { clientId: ctx.clientId, mutationId: ctx.mutationId } }),
        () => mutator.body(tx, args, ctx),
      );
    return [name, { ...mutator, body }] as const;
  });
  return { ...room, mutators: Object.fromEntries(mutators) };
}

/** The same database with statements that announce themselves. */
export function markDatabase(database: Database, handle: number, marks: RunMarks): Database {
  const marked = <Result>(sql: string, params: Row, fn: () => Result): Result =>
    marks.around(sql, () => ({ handle, statement: { sql, params }, mutation: marks.enclosing(handle) }), fn);

  const markStatement = (sql: string, statement: Statement): Statement => ({
    get columns() {
      return statement.columns;
    },
    get writes() {
      return statement.writes;
    },
    run: (params = []) => marked(sql, params, () => statement.run(params)),
    all: (params = []) => marked(sql, params, () => statement.all(params)),
    get: (params = []) => marked(sql, params, () => statement.get(params)),
    iterate: (params = []) => markSteps(statement.iterate(params), (step) => marked(sql, params, step)),
  });

  // Drivers hand out the same statement for the same text; so does this.
  const wrapped = new WeakMap<Statement, Statement>();
  return {
    engine: database.engine,
    prepare(sql) {
      const statement = database.prepare(sql);
      const known = wrapped.get(statement);
      if (known !== undefined) return known;
      const marking = markStatement(sql, statement);
      wrapped.set(statement, marking);
      return marking;
    },
    exec: (sql) => marked(sql, [], () => database.exec(sql)),
    transaction: (fn) => database.transaction(fn),
    get inTransaction() {
      return database.inTransaction;
    },
    setForeignKeys: (enabled) => database.setForeignKeys(enabled),
    close: () => database.close(),
  };
}

function markSteps(rows: IterableIterator<Row>, marked: <Result>(step: () => Result) => Result): IterableIterator<Row> {
  return {
    [Symbol.iterator]() {
      return this;
    },
    next: () => marked(() => rows.next()),
    return: (value) => rows.return?.(value) ?? { done: true, value: undefined },
  };
}
