import { ERROR_CODES, type ErrorBody, type ErrorCode, isErrorCode } from '@alcove/core/error';

/** What outlives one attempt to connect. */
export interface Past {
  /** Number of the newest socket; one is never used again. */
  readonly socketId: number;
  /** Attempts in a row that came to nothing, or to a connection that did not last. */
  readonly attempt: number;
  /** Refusals of the token in a row. */
  readonly authRefusals: number;
  /** Sessions in a row that ended by an error of the protocol. */
  readonly faults: number;
  /** Times in a row that the server could not open the room. */
  readonly serverFaults: number;
  /** When the newest attempt began. */
  readonly attemptAtMs: number;
}

export interface Verdict {
  /** `retrySlowly`: somebody has to mend the server first. */
  readonly then: 'retry' | 'retrySlowly' | 'needsAuth' | 'failed';
  readonly past: Past;
  /** Where this side closes the socket. */
  readonly closeCode: number;
}

/** One fresh token is tried before the app is asked: the old one may just have expired. */
const AUTH_REFUSALS_MAX = 1;

/**
 * A garbled message may be the network's doing once; a session that ends like this again and again is a bug and stops. So with `session_replaced`: a hello of our own
 * that was held up on an older socket looks like a newer connection once; two tabs under one clientId replace each other again and again.
 */
export const FAULTS_MAX = 5;

const FAULTS: ReadonlySet<ErrorCode> = new Set([
  'bad_message',
  'message_too_large',
  'message_too_deep',
  'hello_expected',
  'hello_repeated',
  'session_replaced',
] satisfies ErrorCode[]);

const SERVER_FAULTS: ReadonlySet<ErrorCode> = new Set([
  'schema_mismatch',
  'migration_failed',
  'file_damaged',
  'file_foreign',
  'history_lost',
] satisfies ErrorCode[]);

/** Said by a server: it cannot open the room until somebody mends it, as the next deploy may in a moment. A page does best to wait. */
export const isServerFault = (code: ErrorCode): boolean => SERVER_FAULTS.has(code);

const SLOW_BASE_MS = 5_000;
const SLOW_MAX_MS = 60_000;

/** 5 s, 10 s … once a minute, each a quarter more or less, so that the pages of a room do not ask all at once. @param random In [0, 1). */
export const slowWaitMs = (serverFaults: number, random: number): number => {
  const doublings = Math.min(Math.max(serverFaults, 1) - 1, 10);
  return Math.floor(Math.min(SLOW_MAX_MS, SLOW_BASE_MS * 2 ** doublings) * (0.75 + random / 2));
};

/** Whether and how to go on after an attempt or a session ended with `error`. `isOurs`: this side found it; the same codes then tell of a fault that asking again does not mend. */
export function afterEnd(error: ErrorBody, past: Past, isOurs: boolean): Verdict {
  const closeCode = closeCodeFor(error.code);
  const tried: Past = { ...past, attempt: past.attempt + 1 };
  if (error.code === 'unauthenticated') {
    const refusals = past.authRefusals + 1;
    return { then: refusals > AUTH_REFUSALS_MAX ? 'needsAuth' : 'retry', past: { ...tried, authRefusals: refusals }, closeCode };
  }
  if (FAULTS.has(error.code)) {
    const faults = past.faults + 1;
    return { then: faults > FAULTS_MAX ? 'failed' : 'retry', past: { ...tried, faults }, closeCode };
  }
  if (!isOurs && isServerFault(error.code)) {
    return { then: 'retrySlowly', past: { ...tried, serverFaults: past.serverFaults + 1 }, closeCode };
  }
  return { then: ERROR_CODES[error.code].retryable ? 'retry' : 'failed', past: tried, closeCode };
}

/** Browsers let a page close with 1000 and 3000–4999 only. */
function closeCodeFor(code: ErrorCode): number {
  const closeCode: number | undefined = 'closeCode' in ERROR_CODES[code] ? ERROR_CODES[code].closeCode : undefined;
  return closeCode !== undefined && (closeCode === 1000 || closeCode >= 4000) ? closeCode : 4400;
}

/** For a close that nothing explains: the most likely code of ours behind a close code. */
const CODE_OF_CLOSE: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1002, 'bad_message'],
  [1003, 'bad_message'],
  [1007, 'bad_message'],
  [1008, 'rate_limited'],
  [1009, 'message_too_large'],
  [1011, 'internal'],
  [1012, 'draining'],
  [1013, 'overloaded'],
  [4400, 'bad_message'],
  [4401, 'unauthenticated'],
  [4403, 'forbidden'],
  [4404, 'room_unknown'],
  [4408, 'idle_timeout'],
  [4409, 'session_replaced'],
  [4413, 'backlog_exceeded'],
  [4426, 'protocol_unsupported'],
  [4427, 'room_outdated'],
  [4429, 'rate_limited'],
]);

/**
 * Why a socket closed. The error message heard before it (`told`) wins where its close code fits, or where the link was cut before the close frame;
 * then a code of ours at the start of `reason`; then the close code. A close nobody explains is `connection_lost`: retried.
 */
export function errorOfClose(closeCode: number, reason: string, told: ErrorBody | null): ErrorBody {
  if (told !== null && explains(told.code, closeCode)) return told;
  const named = reason.split(':', 1)[0];
  if (isErrorCode(named) && named !== 'closed' && explains(named, closeCode)) return { code: named, message: reason };
  const code = CODE_OF_CLOSE.get(closeCode);
  if (code !== undefined)
    return { code, message: `the server closed the connection with ${closeCode}${reason === '' ? '' : ` (${reason})`}` };
  return { code: 'connection_lost', message: `the connection ended with ${closeCode}${reason === '' ? '' : ` (${reason})`}` };
}

export const WHY_UNOPENED =
  'Is the server running, is the address with its path right, does the server let pages of this origin in (its option `origins`; its log says so)?';

/** A connection that never opened: browsers tell a page nothing of why. `how`: what is known. */
export const unopened = (url: string, how: string): ErrorBody => ({
  code: 'connection_lost',
  message: `no connection could be opened to ${url} (${how}). ${WHY_UNOPENED}`,
});

function explains(code: ErrorCode, closeCode: number): boolean {
  const own = ERROR_CODES[code];
  return 'closeCode' in own && code !== 'closed' && (own.closeCode === closeCode || closeCode === 1006);
}
