import type { ErrorBody } from '@alcove/core/error';
import { exhaustive } from '@alcove/core/error';
import { ANNOUNCED_BYTES_PER_SECOND_MIN } from '@alcove/core/protocol/limits';
import { backoffMs } from '@alcove/core/retry/backoff';
import { askedAt, lifeOf, type TokenLife } from './token-renewal.ts';
import { afterEnd, errorOfClose, type Past, slowWaitMs, WHY_UNOPENED } from './connection-end.ts';

/**
 * The connection to one room as a pure machine: `next(state, input, at)` gives the new state and what the shell must do, in order. It knows sockets by
 * number only, so that whatever an old one still says is dropped, and tells by `wakeAtMs` when it wants a `timer` input.
 *
 * ```
 * idle ─start→ connecting(token → opening → greeting) ─welcome→ live
 *                   ▲            │ close, time-out, refusal          │ close, silence
 *                   └─ waiting ◀─┴───────────────────────────────────┘   also: needsAuth, failed (start goes on) · closed (the end)
 * ```
 */
export type ConnectionState =
  | { readonly phase: 'idle'; readonly past: Past }
  | { readonly phase: 'waiting'; readonly past: Past; readonly error: ErrorBody; readonly retryAtMs: number; readonly notBeforeMs: number }
  | ConnectingState
  | LiveState
  | { readonly phase: 'needsAuth'; readonly past: Past; readonly error: ErrorBody }
  | { readonly phase: 'failed'; readonly past: Past; readonly error: ErrorBody }
  | { readonly phase: 'closed'; readonly past: Past };

export interface ConnectingState {
  readonly phase: 'connecting';
  readonly past: Past;
  readonly step: 'token' | 'opening' | 'greeting';
  readonly token: string | null;
  /** The app has another one since it was asked: the session begins with the older one, and is told the newer as soon as it lives. */
  readonly isTokenStale: boolean;
  readonly deadlineMs: number;
  /** The error message heard on this socket, if any: it explains the close that follows. */
  readonly told: ErrorBody | null;
}

export interface LiveState {
  readonly phase: 'live';
  readonly past: Past;
  readonly sinceMs: number;
  readonly heartbeatIntervalMs: number;
  readonly idleTimeoutMs: number;
  readonly heardAtMs: number;
  readonly pingDueMs: number;
  /** While a ping is unanswered: when the silence counts as death. */
  readonly deadAtMs: number | null;
  /** How much longer than usual silence is borne: a large frame was announced, and nothing is heard before its end. */
  readonly patienceMs: number;
  /** Of the token that the room accepted last; null: it has no end. */
  readonly life: TokenLife | null;
  readonly told: ErrorBody | null;
}

export type ConnectionInput =
  | { readonly type: 'start' }
  /** Back to `idle`: there is no attempt until `start`. */
  | { readonly type: 'disconnect' }
  | { readonly type: 'token'; readonly socketId: number; readonly token: string | null }
  | { readonly type: 'tokenFailed'; readonly socketId: number; readonly error: ErrorBody }
  | { readonly type: 'opened'; readonly socketId: number }
  /** `expiresInMs`: for how long the token is good; null: for ever. */
  | {
      readonly type: 'welcome';
      readonly socketId: number;
      readonly heartbeatIntervalMs: number;
      readonly idleTimeoutMs: number;
      readonly expiresInMs: number | null;
    }
  /** The room accepted a fresh token. */
  | { readonly type: 'renewed'; readonly socketId: number; readonly expiresInMs: number | null }
  /** Any message at all, this side of decoding. */
  | { readonly type: 'heard'; readonly socketId: number }
  /** The next message is a frame of so many bytes. */
  | { readonly type: 'coming'; readonly socketId: number; readonly bytes: number }
  /** What this side has sent is leaving: an answer to a ping behind it may take as long as it does. */
  | { readonly type: 'leaving'; readonly socketId: number }
  /** An error message: it may explain a close, and ends nothing by itself. */
  | { readonly type: 'told'; readonly socketId: number; readonly error: ErrorBody }
  | { readonly type: 'socketClosed'; readonly socketId: number; readonly code: number; readonly reason: string }
  /** The socket closed, and had never opened. */
  | { readonly type: 'unopened'; readonly socketId: number; readonly error: ErrorBody }
  /** This side cannot go on with the session: what was heard makes no sense, or the stream has a gap. */
  | { readonly type: 'broken'; readonly socketId: number; readonly error: ErrorBody }
  | { readonly type: 'hint'; readonly hint: 'online' | 'offline' | 'visible' | 'authChanged' }
  | { readonly type: 'timer' }
  | { readonly type: 'close' };

export type ConnectionEffect =
  /** Ask the app for a token; answer with `token` or `tokenFailed` under this number. */
  | { readonly type: 'askToken'; readonly socketId: number }
  | { readonly type: 'open'; readonly socketId: number }
  | { readonly type: 'hello'; readonly token: string | null }
  /** A fresh token for the running session. */
  | { readonly type: 'auth'; readonly token: string }
  | { readonly type: 'ping' }
  | { readonly type: 'closeSocket'; readonly code: number; readonly reason: string }
  /** A live session is over. */
  | { readonly type: 'lost'; readonly error: ErrorBody };

export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

/** The moment of an input: monotonic time, and a fresh random number in [0, 1) for jitter. */
export interface At {
  readonly nowMs: number;
  readonly random: number;
  /** Nobody looks at the page: heartbeats come half as often as the room bears. */
  readonly isHidden?: boolean;
}

export interface ConnectionTimes {
  readonly connectTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** A connection that lived this long was a success: the next failure starts the backoff anew. */
export const STABLE_MS = 5_000;
/** How long an answer to a ping may take that was sent on suspicion (a hint, or a timer that fired late after sleep). */
export const PROBE_MS = 5_000;
/** Hints cannot make attempts come closer together than this. */
export const HINT_SPACING_MS = 1_000;

const NEVER_TRIED: Past = { socketId: 0, attempt: 0, authRefusals: 0, faults: 0, serverFaults: 0, attemptAtMs: Number.NEGATIVE_INFINITY };

export const initialConnection: ConnectionState = { phase: 'idle', past: NEVER_TRIED };

const stay = (state: ConnectionState): Step => ({ state, effects: [] });

/** When a `timer` input is wanted next; null: never. */
export function wakeAtMs(state: ConnectionState): number | null {
  switch (state.phase) {
    case 'waiting':
      return state.retryAtMs;
    case 'connecting':
      return state.deadlineMs;
    case 'live':
      return Math.min(state.pingDueMs, state.deadAtMs ?? Number.POSITIVE_INFINITY, state.life?.askAtMs ?? Number.POSITIVE_INFINITY);
    case 'idle':
    case 'needsAuth':
    case 'failed':
    case 'closed':
      return null;
    default:
      return exhaustive(state);
  }
}

export function nextConnection(state: ConnectionState, input: ConnectionInput, at: At, times: ConnectionTimes): Step {
  if (state.phase === 'closed') return stay(state);
  // Whatever an earlier socket still says is void.
  if ('socketId' in input && input.socketId !== state.past.socketId) return stay(state);
  switch (input.type) {
    case 'start':
      return state.phase === 'idle' || state.phase === 'needsAuth' || state.phase === 'failed'
        ? attempt(fresh(state.past), at, times)
        : stay(state);
    case 'disconnect':
      return onDisconnect(state);
    case 'token':
      return onToken(state, input.token);
    case 'tokenFailed':
      return state.phase === 'connecting' && state.step === 'token' ? end(state, input.error, at, times) : stay(state);
    case 'opened':
      if (state.phase !== 'connecting' || state.step !== 'opening') return stay(state);
      return { state: { ...state, step: 'greeting' }, effects: [{ type: 'hello', token: state.token }] };
    case 'welcome':
      return onWelcome(state, input, at);
    case 'renewed':
      return state.phase === 'live' ? stay({ ...state, life: lifeOf(input.expiresInMs, at.nowMs, at.random) }) : stay(state);
    case 'heard':
      // An error that ends a session is the last that is said in it.
      return state.phase === 'live' ? stay({ ...state, heardAtMs: at.nowMs, deadAtMs: null, patienceMs: 0, told: null }) : stay(state);
    case 'coming':
      return state.phase === 'live' ? stay({ ...state, patienceMs: (input.bytes / ANNOUNCED_BYTES_PER_SECOND_MIN) * 1_000 }) : stay(state);
    case 'leaving':
      return state.phase === 'live' ? stay({ ...state, heardAtMs: at.nowMs, deadAtMs: null }) : stay(state);
    case 'told':
      return state.phase === 'live' || state.phase === 'connecting' ? stay({ ...state, told: input.error }) : stay(state);
    case 'socketClosed':
      if (state.phase !== 'live' && state.phase !== 'connecting') return stay(state);
      return end(state, errorOfClose(input.code, input.reason, state.told), at, times, false);
    case 'unopened':
      return state.phase === 'connecting' ? end(state, input.error, at, times, false) : stay(state);
    case 'broken':
      return state.phase === 'live' || state.phase === 'connecting' ? end(state, input.error, at, times) : stay(state);
    case 'hint':
      return onHint(state, input.hint, at, times);
    case 'timer':
      return onTimer(state, at, times);
    case 'close':
      return onClose(state);
    default:
      return exhaustive(input);
  }
}

/** Past refusals and faults are forgiven; socket numbers go on. */
const fresh = (past: Past): Past => ({ ...past, attempt: 0, authRefusals: 0, faults: 0, serverFaults: 0 });

function attempt(past: Past, at: At, times: ConnectionTimes): Step {
  const socketId = past.socketId + 1;
  return {
    state: {
      phase: 'connecting',
      step: 'token',
      past: { ...past, socketId, attemptAtMs: at.nowMs },
      token: null,
      isTokenStale: false,
      deadlineMs: at.nowMs + times.connectTimeoutMs,
      told: null,
    },
    effects: [{ type: 'askToken', socketId }],
  };
}

function onToken(state: ConnectionState, token: string | null): Step {
  if (state.phase === 'live') return { state, effects: token === null ? [] : [{ type: 'auth', token }] };
  if (state.phase !== 'connecting' || state.step !== 'token') return stay(state);
  return { state: { ...state, step: 'opening', token }, effects: [{ type: 'open', socketId: state.past.socketId }] };
}

function onWelcome(state: ConnectionState, input: Extract<ConnectionInput, { type: 'welcome' }>, at: At): Step {
  if (state.phase !== 'connecting' || state.step !== 'greeting') return stay(state);
  const live: LiveState = {
    phase: 'live',
    past: { ...state.past, authRefusals: 0 },
    sinceMs: at.nowMs,
    heartbeatIntervalMs: input.heartbeatIntervalMs,
    idleTimeoutMs: input.idleTimeoutMs,
    heardAtMs: at.nowMs,
    pingDueMs: at.nowMs + heartbeatMs(input, at),
    deadAtMs: null,
    patienceMs: 0,
    life: lifeOf(input.expiresInMs, at.nowMs, at.random),
    told: null,
  };
  return { state: live, effects: state.isTokenStale ? [{ type: 'askToken', socketId: state.past.socketId }] : [] };
}

/** The attempt or the session is over. `closeIt`: this side ends it, and the socket is still ours to close. */
function end(state: ConnectingState | LiveState, error: ErrorBody, at: At, times: ConnectionTimes, closeIt = true): Step {
  const live = state.phase === 'live';
  const stable = live && at.nowMs - state.sinceMs >= STABLE_MS;
  const past = stable ? { ...state.past, attempt: 0, faults: 0, serverFaults: 0 } : state.past;
  const effects: ConnectionEffect[] = [];
  const opened = live || state.step !== 'token';
  const verdict = afterEnd(error, past, closeIt);
  if (closeIt && opened) effects.push({ type: 'closeSocket', code: verdict.closeCode, reason: error.code });
  if (live) effects.push({ type: 'lost', error });
  // A number of its own for the time without a socket: the ended one may still speak.
  const after: Past = { ...verdict.past, socketId: past.socketId + 1 };
  if (verdict.then === 'needsAuth' || verdict.then === 'failed') return { state: { phase: verdict.then, past: after, error }, effects };
  const usualMs = backoffMs(after.attempt, at.random, error.retryAfterMs, { baseMs: times.backoffMinMs, maxMs: times.backoffMaxMs });
  const waitMs = verdict.then === 'retry' ? usualMs : Math.max(slowWaitMs(after.serverFaults, at.random), error.retryAfterMs ?? 0);
  const notBeforeMs = at.nowMs + (error.retryAfterMs ?? 0);
  return { state: { phase: 'waiting', past: after, error, retryAtMs: at.nowMs + waitMs, notBeforeMs }, effects };
}

function onHint(state: ConnectionState, hint: 'online' | 'offline' | 'visible' | 'authChanged', at: At, times: ConnectionTimes): Step {
  if (hint === 'authChanged') {
    if (state.phase === 'live') return { state, effects: [{ type: 'askToken', socketId: state.past.socketId }] };
    if (state.phase === 'connecting') return stay({ ...state, isTokenStale: true });
    const refused = state.phase === 'needsAuth' || (state.phase === 'failed' && state.error.code === 'forbidden');
    return refused ? attempt(fresh(state.past), at, times) : stay(state);
  }
  if (state.phase === 'waiting' && hint !== 'offline') {
    const earliestMs = Math.max(at.nowMs, state.notBeforeMs, state.past.attemptAtMs + HINT_SPACING_MS);
    return stay({ ...state, retryAtMs: Math.min(state.retryAtMs, earliestMs) });
  }
  if (state.phase === 'live') return probe(state, at);
  return stay(state);
}

function onTimer(state: ConnectionState, at: At, times: ConnectionTimes): Step {
  const wakeMs = wakeAtMs(state);
  if (wakeMs === null || at.nowMs < wakeMs) return stay(state);
  switch (state.phase) {
    case 'waiting':
      return attempt(state.past, at, times);
    case 'connecting':
      return end(state, tookTooLong(state.step, times), at, times);
    case 'live':
      return onLiveTimer(state, at, times);
    case 'idle':
    case 'needsAuth':
    case 'failed':
    case 'closed':
      return stay(state);
    default:
      return exhaustive(state);
  }
}

function onLiveTimer(state: LiveState, at: At, times: ConnectionTimes): Step {
  const { deadAtMs, life } = state;
  if (deadAtMs !== null && at.nowMs >= deadAtMs) {
    const message = `the room was silent for ${Math.round(at.nowMs - state.heardAtMs)} ms`;
    return end(state, { code: 'heartbeat_missed', message }, at, times);
  }
  const isTokenDue = life?.askAtMs != null && at.nowMs >= life.askAtMs;
  const asked = isTokenDue ? { ...state, life: askedAt(life, at.nowMs) } : state;
  const asks: readonly ConnectionEffect[] = isTokenDue ? [{ type: 'askToken', socketId: state.past.socketId }] : [];
  if (at.nowMs < state.pingDueMs) return { state: asked, effects: asks };
  const pinged = deadAtMs === null ? heartbeat(asked, at) : anotherPing(asked, at);
  return { state: pinged.state, effects: [...pinged.effects, ...asks] };
}

const anotherPing = (state: LiveState, at: At): Step => ({
  state: { ...state, pingDueMs: at.nowMs + heartbeatMs(state, at) },
  effects: [{ type: 'ping' }],
});

const tookTooLong = (step: ConnectingState['step'], { connectTimeoutMs }: ConnectionTimes): ErrorBody => ({
  code: 'connection_lost',
  message: `no welcome within ${connectTimeoutMs} ms (${step})${step === 'opening' ? `. ${WHY_UNOPENED}` : ''}`,
});

/** As the room asks, or on a hidden page half its idle timeout: so an answer has the other half to come. */
const heartbeatMs = (asked: Pick<LiveState, 'heartbeatIntervalMs' | 'idleTimeoutMs'>, { isHidden = false }: At): number =>
  isHidden ? Math.max(asked.heartbeatIntervalMs, asked.idleTimeoutMs / 2) : asked.heartbeatIntervalMs;

/** The regular ping. After a sleep it is late, and the room gets a probe's time to answer however long ago it was heard. */
function heartbeat(state: LiveState, at: At): Step {
  const deadAtMs = Math.max(state.heardAtMs + state.idleTimeoutMs + state.patienceMs, at.nowMs + PROBE_MS);
  return { state: { ...state, pingDueMs: at.nowMs + heartbeatMs(state, at), deadAtMs }, effects: [{ type: 'ping' }] };
}

/** A ping on suspicion: a short deadline, never a later one than there is already. */
function probe(state: LiveState, at: At): Step {
  const deadAtMs = Math.min(at.nowMs + PROBE_MS + state.patienceMs, state.deadAtMs ?? Number.POSITIVE_INFINITY);
  return { state: { ...state, pingDueMs: at.nowMs + heartbeatMs(state, at), deadAtMs }, effects: [{ type: 'ping' }] };
}

function onDisconnect(state: Exclude<ConnectionState, { phase: 'closed' }>): Step {
  const error: ErrorBody = { code: 'connection_lost', message: 'the app ended the connection' };
  const { effects } = onClose(state);
  const lost: readonly ConnectionEffect[] = state.phase === 'live' ? [{ type: 'lost', error }] : [];
  return { state: { phase: 'idle', past: fresh({ ...state.past, socketId: state.past.socketId + 1 }) }, effects: [...effects, ...lost] };
}

function onClose(state: ConnectionState): Step {
  const effects: ConnectionEffect[] = [];
  if (state.phase === 'live' || (state.phase === 'connecting' && state.step !== 'token')) {
    effects.push({ type: 'closeSocket', code: 1000, reason: 'closed' });
  }
  return { state: { phase: 'closed', past: { ...state.past, socketId: state.past.socketId + 1 } }, effects };
}
