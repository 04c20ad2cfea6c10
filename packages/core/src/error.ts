/**
 * The one error class of the project and its closed list of codes.
 *
 * A code decides what a reader of the error does; the message is for people. The same code crosses the socket, the close frame and the worker
 * boundary unchanged.
 */

interface CodeEntry {
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  /** WebSocket close code where the error ends a session; absent: it never does. */
  readonly closeCode?: number;
  /** What the reader should do; used when the thrower has nothing better to say. */
  readonly hint: string;
}

const entry = (retryable: boolean, hint: string, closeCode?: number): CodeEntry =>
  closeCode === undefined ? { retryable, hint } : { retryable, hint, closeCode };

/** Every code there is. Each line: may it be retried, what to do, the close code if it ends a session. */
export const ERROR_CODES = {
  // Messages and sessions
  bad_message: entry(false, 'Send messages as docs/PROTOCOL.md describes them.', 4400),
  message_too_large: entry(false, 'Send smaller messages; the limit is in welcome.limits.', 1009),
  message_too_deep: entry(false, 'Nest JSON at most 32 levels deep.', 4400),
  protocol_unsupported: entry(false, 'Update the client or the server; their protocol versions do not overlap.', 4426),
  hello_expected: entry(false, 'Send hello as the first message.', 4401),
  hello_repeated: entry(false, 'Send hello once per connection.', 4400),
  hello_timeout: entry(true, 'Send hello within the time the server allows.', 4408),
  idle_timeout: entry(true, 'Answer pings; connect again.', 4408),
  session_replaced: entry(false, 'A newer connection of the same client took over.', 4409),
  backlog_exceeded: entry(true, 'The reader is too slow; connect again and catch up.', 4413),
  rate_limited: entry(true, 'Send less, and wait retryAfterMs.', 4429),
  draining: entry(true, 'The server is stopping; connect again after retryAfterMs.', 1012),
  overloaded: entry(true, 'The server is at a limit; try again after retryAfterMs.', 1013),
  primary_lost: entry(true, 'The follower has lost the server it follows; connect again, to it or to another one.', 1013),
  connection_lost: entry(true, 'The connection ended; it is opened again by itself.'),
  heartbeat_missed: entry(true, 'The other side is silent; the connection is opened again by itself.', 4408),
  closed: entry(false, 'The room, client or server was closed; open it again.', 1000),
  // Access
  unauthenticated: entry(false, 'Sign in again and hand over a fresh token.', 4401),
  forbidden: entry(false, 'Ask for the right to do this.', 4403),
  rule_failed: entry(false, 'Correct the row rule that the server’s log names.', 4403),
  origin_refused: entry(false, 'Add the page origin to the server option `origins`.', 4403),
  ticket_refused: entry(true, 'Say hello again to get a fresh ticket.'),
  // Rooms and files
  room_id_invalid: entry(false, 'Use 1 to 128 characters from A-Z a-z 0-9 . _ ~ - that do not start with a dot.', 4400),
  room_unknown: entry(false, 'Use a room name the server was started with.', 4404),
  room_exists: entry(false, 'Choose another room id, or delete the room first.'),
  room_full: entry(true, 'The disk or the room is full; free space and try again.'),
  room_failed: entry(true, 'The room was closed after a disk error and opens again from disk.', 1011),
  history_lost: entry(
    false,
    'The room file is older than its recorded head. Restore it, or start a new history with `alcove serve --accept-lost-tail`.',
    1011,
  ),
  file_foreign: entry(false, 'The file is not a room of this kind; move it out of dataDir.', 1011),
  file_damaged: entry(false, 'The room file is damaged; restore it from a backup.', 1011),
  data_dir_locked: entry(false, 'Another process uses this dataDir; stop it or choose another dataDir.'),
  data_dir_unwritable: entry(false, 'Make dataDir writable for this process, or choose another one.'),
  port_in_use: entry(false, 'Stop the process that listens there, or choose another port.'),
  option_invalid: entry(false, 'Correct the option the message names.'),
  driver_missing: entry(false, 'Install better-sqlite3 or @photostructure/sqlite.'),
  // Schema
  schema_invalid: entry(false, 'Correct the room definition as the message says.'),
  schema_mismatch: entry(false, 'Write a migration, or, while developing, delete the files of the room.', 1011),
  migration_failed: entry(false, 'Correct the migration; the room is as it was before it.', 1011),
  update_needed: entry(false, 'Load the newer version of the app; pending mutations are kept.', 4426),
  room_outdated: entry(true, 'The server still runs an older schema; wait for its update.', 4427),
  // Mutations
  mutator_unknown: entry(false, 'Use a mutator of the room definition on both sides.'),
  arguments_invalid: entry(false, 'Call it with arguments that its validator in the room definition accepts.'),
  mutator_failed: entry(false, 'The mutator threw; correct it or its arguments.'),
  mutator_async: entry(false, 'Mutators are synchronous; do asynchronous work in ctx.afterCommit.'),
  mutator_limit: entry(false, 'Change fewer rows or run fewer statements in one mutation.'),
  mutator_timeout: entry(false, 'Do less in one mutation; its time budget was passed.'),
  sql_refused: entry(false, 'Use ctx.now, ctx.random and ctx.id; leave transactions and PRAGMA to the room.'),
  sql_failed: entry(false, 'Correct the SQL; the message is SQLite’s.'),
  constraint_failed: entry(
    false,
    'The change breaks the constraint of the schema that the message names: look at the rows there are first, or write with onConflictDoNothing or onConflictDoUpdate; ctx.id() gives new ids.',
  ),
  out_of_order: entry(true, 'Send mutations in order, from the expected mutationId on.'),
  client_unknown: entry(false, 'The room no longer remembers this client; decide which pending mutations to issue again.'),
  outbox_full: entry(false, 'Wait until pending mutations are confirmed; none was dropped.'),
  pending_writes: entry(false, 'Wait until the room has decided them, or call forget with `discardPending: true`: they are lost then.'),
  forgotten: entry(false, 'What the room did not have is lost with what the device kept; look at the room and call again what is missing.'),
  unknown_outcome: entry(false, 'It is not known whether the mutation took effect; look at the room and decide.'),
  // Ephemeral state and values
  state_invalid: entry(false, 'Set a state the room definition’s validator accepts.'),
  state_too_large: entry(false, 'Set a smaller state; the limit is in welcome.limits.'),
  value_unknown: entry(false, 'Declare the value or the ephemeral key in the room definition.'),
  value_invalid: entry(false, 'Set a value the room definition’s validator accepts.'),
  value_too_large: entry(false, 'A debounced value holds at most 100 KB.'),
  // Reads
  query_invalid: entry(false, 'Build the query synchronously and return the builder or sql`…`.'),
  query_timeout: entry(false, 'Make the query cheaper; it passed its time budget and was ended.'),
  result_too_large: entry(false, 'Ask for fewer rows or columns.'),
  query_unknown: entry(false, 'Declare the query in the room definition’s `queries`, on both sides.'),
  sql_unavailable: entry(false, 'Install @photostructure/sqlite on the server: only there can SQL of a user’s be run safely.'),
  read_behind: entry(true, 'No replica was new enough in time; ask again, or wait longer (`waitMs`).'),
  replica_unavailable: entry(true, 'No replica of the room answers; ask again after retryAfterMs.'),
  snapshot_failed: entry(true, 'The snapshot did not arrive whole; it is fetched again.'),
  // Client
  worker_failed: entry(true, 'The worker died and is started again; unconfirmed mutations are kept.'),
  worker_deadline: entry(true, 'The worker did not answer in time.'),
  wasm_failed: entry(false, 'Serve sql-wasm-browser.wasm as application/wasm and allow wasm-unsafe-eval.'),
  storage_failed: entry(true, 'The browser’s storage failed; work goes on in memory.'),
  storage_full: entry(true, 'The browser’s storage is full; free space, or wait until pending mutations are confirmed.'),
  storage_unavailable: entry(false, 'Serve the page over https, and use a browser that has what the message names.'),
  // Everything that should not happen
  internal: entry(true, 'Report this with the message; it is a bug.', 1011),
} as const satisfies Record<string, CodeEntry>;

/** What may be in `AlcoveError.code`. docs/ERRORS.md says of each when it is raised. */
export type ErrorCode = keyof typeof ERROR_CODES;

export interface AlcoveErrorOptions {
  readonly hint?: string;
  readonly retryAfterMs?: number;
  readonly limit?: string;
  readonly cause?: unknown;
}

/** What crosses the wire and the worker boundary of an error; `cause` stays where it was. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Every failure of Alcove, on a server, in a worker and on a page. `message` says what happened, with which values; it may change, the code does not. A mutator throws one to refuse:
 * `new AlcoveError('forbidden', 'guests add nothing')`.
 */
export class AlcoveError extends Error {
  /** Decide by this, never by the text. */
  readonly code: ErrorCode;
  /** What whoever reads it should do. */
  readonly hint: string;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  /** How long to wait before that, in whole ms, where it is known. */
  readonly retryAfterMs: number | undefined;
  /** Name of the limit that was met, where it was one. For whoever runs the side that threw: it does not travel. */
  readonly limit: string | undefined;

  constructor(code: ErrorCode, message: string, options: AlcoveErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AlcoveError';
    this.code = code;
    this.hint = options.hint ?? ERROR_CODES[code].hint;
    this.retryable = ERROR_CODES[code].retryable;
    this.retryAfterMs = wholeMs(options.retryAfterMs);
    this.limit = options.limit;
  }

  /** For exports: what `JSON.stringify` makes of it. */
  toJSON(): ErrorBody {
    return this.toBody();
  }

  /** What crosses the wire and the worker's boundary. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === ERROR_CODES[this.code].hint ? {} : { hint: this.hint }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }

  /** The error that `toBody` was taken of, without its cause; `body` itself where it is an error that never left its thread. */
  static fromBody(body: ErrorBody): AlcoveError {
    if (body instanceof AlcoveError) return body;
    return new AlcoveError(body.code, body.message, {
      ...(body.hint === undefined ? {} : { hint: body.hint }),
      ...(body.retryAfterMs === undefined ? {} : { retryAfterMs: body.retryAfterMs }),
    });
  }

  /** `error` itself where it is one of ours, else one with `code` that keeps it as its cause. */
  static from(error: unknown, code: ErrorCode = 'internal'): AlcoveError {
    if (error instanceof AlcoveError) return error;
    return new AlcoveError(code, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** As messages carry it, rounded up; what is no time is left out. */
const wholeMs = (ms: number | undefined): number | undefined =>
  ms !== undefined && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER ? Math.ceil(ms) + 0 : undefined;

export const isErrorCode = (value: unknown): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);

/** States what the programmer holds to be always true; a failure is a bug of ours, code `internal`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AlcoveError('internal', `assertion failed: ${message}`);
}

/** The end of a switch over a closed union: compiles only while every member has its case. */
export function exhaustive(value: never): never {
  throw new AlcoveError('internal', `unhandled case: ${JSON.stringify(value)}`);
}
