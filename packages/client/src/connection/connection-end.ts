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
  /** When the newest attempt began. */
  readonly attemptAtMs: number;
}

export interface Verdict {
  readonly then: 'retry' | 'needsAuth' | 'failed';
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

/** Whether and how to go on after an attempt or a session ended with `error`. */
export function afterEnd(error: ErrorBody, past: Past): Verdict {
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

function explains(code: ErrorCode, closeCode: number): boolean {
  const own = ERROR_CODES[code];
  return 'closeCode' in own && code !== 'closed' && (own.closeCode === closeCode || closeCode === 1006);
}
