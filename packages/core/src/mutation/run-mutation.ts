import type { Capture } from '../change/capture.ts';
import { AlcoveError } from '../error.ts';
import type { ErrorCode } from '../error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AnyMutator, Claims, MutatorBody, MutatorContext } from '../schema/define-mutator.ts';
import type { AnyRoom } from '../schema/define-room.ts';
import { filtersReaders } from '../schema/row-rules.ts';
import type { Database, Row } from '../sqlite/database.ts';
import { mutatorTx, refuseUnrunWrites } from '../sqlite/mutator-tx.ts';
import type { Mutation } from './mutation.ts';
import { parseArguments } from './parse-arguments.ts';
import { RunBudget } from './run-budget.ts';
import type { MutationLimits } from './run-budget.ts';
import { seeded } from './seeded.ts';

export interface RunMutationOptions {
  readonly database: Database;
  readonly room: AnyRoom;
  readonly mutation: Mutation;
  /** Counts the rows that cascades touch; started and taken by the caller. */
  readonly capture: Pick<Capture, 'rowCount'>;
  /** What `capture.rowCount()` would say now, where the caller knows it; else it is asked: counting costs as much as a small statement. */
  readonly rowsCaptured?: number | undefined;
  /** Claims of the user; null: nobody was authenticated. */
  readonly user: Claims | null;
  readonly isServer: boolean;
  /** The room's wall time; undefined in a tab. */
  readonly serverNowMs: number | undefined;
  readonly limits: MutationLimits;
  readonly runtime: Runtime;
  /** Called last, straight after `capture.rowCount()`, inside the run's transaction or savepoint: what it throws fails the run and takes its changes back. */
  readonly atEnd?: (() => void) | undefined;
  /** Called with each statement of the run before it runs, as it goes to SQLite. */
  readonly onStatement?: ((sql: string, params: Row) => void) | undefined;
}

export type AfterCommit = () => void | Promise<void>;

export interface MutationRun {
  /** In the order they were registered; always empty in a tab. The room calls them once the commit is durable. */
  readonly afterCommit: readonly AfterCommit[];
  readonly statements: number;
  /** Rows changed by statements, or touched by them and their cascades, whichever is more. */
  readonly rows: number;
  /** What `capture.rowCount()` says now. */
  readonly rowsCaptured: number;
  readonly elapsedMs: number;
}

/**
 * Runs one mutator once, in a transaction of its own or in a savepoint of the one that is open, and leaves its changes there. In tab and room alike.
 *
 * Where it throws, its changes are gone and those of others stand, unless SQLite itself ended the whole transaction: `database.inTransaction` tells.
 *
 * @throws AlcoveError, final: `mutator_unknown`, `arguments_invalid`, `mutator_failed` (the body threw), `mutator_async`, `mutator_limit`,
 *   `mutator_timeout`, `sql_refused`, `sql_failed`, `constraint_failed`, or the code of an AlcoveError that the body threw to refuse (`forbidden`). Its message
 *   can be stored in SQLite. Retryable, or an end of the database: `room_full`, `room_failed`, `overloaded`, `file_damaged`, `closed`.
 */
export function runMutation(options: RunMutationOptions): MutationRun {
  const { name } = options.mutation;
  try {
    const { body, args } = prepared(options);
    return runBody(options, body, args);
  } catch (error) {
    throw asRejection(error, name, options.isServer && hidesRows(options.room));
  }
}

/** Whether a run in the room reads what a tab may not see. */
const hidesRows = ({ model, tableRules }: AnyRoom): boolean =>
  filtersReaders(tableRules) || model.tables.some(({ serverOnly }) => serverOnly);

function prepared({ room, mutation }: RunMutationOptions): { body: MutatorBody<unknown>; args: unknown } {
  const mutator: AnyMutator | undefined = Object.hasOwn(room.mutators, mutation.name) ? room.mutators[mutation.name] : undefined;
  if (mutator === undefined) throw new AlcoveError('mutator_unknown', `room ${room.name} has no mutator ${JSON.stringify(mutation.name)}`);
  const args = parseArguments(mutation.name, mutator.schema, mutation.args);
  return { body: mutator.body as MutatorBody<unknown>, args }; // it takes what its own schema gives, which args now are
}

function runBody(options: RunMutationOptions, body: MutatorBody<unknown>, args: unknown): MutationRun {
  const { database, capture, mutation, limits, runtime } = options;
  const budget = new RunBudget(mutation.name, limits, runtime, options.onStatement);
  const afterCommit: AfterCommit[] = [];
  const context = contextOf(options, budget, afterCommit);
  let rowsCaptured = 0;
  try {
    database.transaction(() => {
      const rowsBefore = options.rowsCaptured ?? capture.rowCount();
      const tx = mutatorTx(database, budget);
      const returned = callBody(() => body(tx, args, context), budget);
      refuseUnfinished(returned, mutation.name);
      refuseUnrunWrites(tx, mutation.name);
      // Where SQLite has ended the transaction under a body that caught the error, counting throws it again.
      rowsCaptured = capture.rowCount();
      budget.end(rowsCaptured - rowsBefore);
      options.atEnd?.();
    });
  } finally {
    budget.close();
  }
  return { afterCommit, statements: budget.statements, rows: budget.rows, rowsCaptured, elapsedMs: budget.elapsedMs };
}

/** The database's own codes are for the database: a body that throws one of them by itself has failed, or it would be sent again for ever. */
function callBody(call: () => unknown, budget: RunBudget): unknown {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof AlcoveError) || !DATABASE_CODES.has(error.code) || budget.sawFailure) throw error;
    throw new AlcoveError('mutator_failed', `${budget.name} threw: ${error.message}`, { cause: error });
  }
}

function contextOf(options: RunMutationOptions, budget: RunBudget, afterCommit: AfterCommit[]): MutatorContext {
  const { mutation, isServer } = options;
  const { random, id } = seeded(mutation.seed);
  return Object.freeze({
    now: mutation.nowMs,
    serverNow: options.serverNowMs,
    random,
    id,
    user: options.user,
    isServer,
    clientId: mutation.clientId,
    mutationId: mutation.mutationId,
    afterCommit(effect: AfterCommit): void {
      budget.assertRunning('ctx.afterCommit');
      if (typeof effect !== 'function') throw new AlcoveError('mutator_failed', `ctx.afterCommit takes a function, not ${typeof effect}`);
      if (isServer) afterCommit.push(effect);
    },
  });
}

/**
 * A body must be over when it returns. A Drizzle builder that was not run looks like a promise, and awaiting it would run it, later, elsewhere; a generator
 * has not even begun.
 */
function refuseUnfinished(returned: unknown, name: string): void {
  if ((typeof returned !== 'object' && typeof returned !== 'function') || returned === null) return;
  // It is rolled back and told here; what it goes on to do is refused, and that refusal would be nobody's.
  if (returned instanceof Promise) returned.catch(() => undefined);
  const has = (method: string): boolean => typeof Reflect.get(returned, method) === 'function';
  if (has('then') && has('toSQL')) {
    throw new AlcoveError('mutator_async', `${name} returned a query that was not run`, {
      hint: 'End every builder with .run(), .all() or .get().',
    });
  }
  if (has('then')) throw new AlcoveError('mutator_async', `${name} returned a promise; it was rolled back`);
  if (has('next')) throw new AlcoveError('mutator_async', `${name} is a generator function; its body was never run`);
}

/** Not the mutation's fault. */
const DATABASE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['room_full', 'room_failed', 'overloaded', 'file_damaged', 'closed']);

/** Codes a run may end with as they are; whatever else is thrown in it is the mutator's failure. */
const OWN_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...DATABASE_CODES,
  'mutator_unknown',
  'arguments_invalid',
  'mutator_failed',
  'mutator_async',
  'mutator_limit',
  'mutator_timeout',
  'sql_refused',
  'sql_failed',
  'constraint_failed',
  'forbidden',
]);

/** Longer messages are cut: they are stored, sent and shown. */
const MESSAGE_CHARACTERS_MAX = 1_000;

/** What the JavaScript engine throws by itself, in words that may quote what the body read: text that is no JSON, a key that is not there, a number out of range. */
const ENGINE_ERRORS: ReadonlySet<unknown> = new Set([SyntaxError, TypeError, RangeError, ReferenceError, URIError, EvalError]);

/** `quotesNothing`: of the engine's own errors their kind alone is told, of SQLite's no more than quotes no row, since everybody may hear it. The error itself is the cause. */
function asRejection(error: unknown, name: string, quotesNothing: boolean): AlcoveError {
  const isOwn = error instanceof AlcoveError && OWN_CODES.has(error.code);
  const threw =
    quotesNothing && error instanceof Error && ENGINE_ERRORS.has(error.constructor)
      ? ` a ${error.constructor.name}; what it says stays in the room, whose rows it may quote. Throw an Error or AlcoveError to tell why`
      : `: ${thrownText(error)}`;
  const said =
    isOwn && isOfSqlite(error) ? `${name}: ${sqliteText(error, quotesNothing)}` : isOwn ? error.message : `${name} threw${threw}`;
  const message = storable(said);
  if (!isOwn) return new AlcoveError('mutator_failed', message, { cause: error });
  return message === error.message ? error : new AlcoveError(error.code, message, { hint: error.hint, cause: error });
}

/** SQLite names table and column and not who wrote; its errors have the driver's as their cause, those that a body throws to refuse have none and stand as they are. */
const isOfSqlite = ({ code, cause }: AlcoveError): boolean =>
  cause !== undefined && (code === 'constraint_failed' || code === 'sql_failed');

/**
 * What SQLite says of a constraint names tables and columns. What it says else may quote a value that the statement came upon (a JSON path, a word of a search): all
 * it has of its own stands before the first colon or quotation mark.
 */
function sqliteText({ code, message }: AlcoveError, quotesNothing: boolean): string {
  if (!quotesNothing || code !== 'sql_failed') return message;
  const [own = ''] = message.split(/[:'"`([]/, 1);
  return `${own.trim() || 'SQL failed'}; what else SQLite says stays in the room, whose rows it may quote`;
}

/** Anything can be thrown, and much of it cannot be made text. */
function thrownText(error: unknown): string {
  try {
    return error instanceof Error ? `${error.message}` : String(error);
  } catch {
    return `a value of type ${typeof error}`;
  }
}

const storable = (message: string): string => message.slice(0, MESSAGE_CHARACTERS_MAX).replace(/[\0\p{Surrogate}]/gu, '\ufffd');
