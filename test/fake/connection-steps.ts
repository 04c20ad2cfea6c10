import type { ErrorBody } from '@alcove/core/error';
import {
  type ConnectionInput,
  type ConnectionState,
  nextConnection,
  type Step,
} from '../../packages/client/src/connection/connection-state.ts';

export const times = { connectTimeoutMs: 15_000, backoffMinMs: 250, backoffMaxMs: 15_000 };
export const NOW = 100_000;
/** Number of the first socket. */
export const SOCKET = 1;

/** One input to the connection's states, at that monotonic time in ms. */
export const step = (state: ConnectionState, input: ConnectionInput, nowMs = NOW, random = 0.5): Step =>
  nextConnection(state, input, { nowMs, random }, times);
export const run = (state: ConnectionState, ...inputs: ConnectionInput[]): ConnectionState =>
  inputs.reduce((before, input) => step(before, input).state, state);

export const welcome = (socketId = SOCKET, expiresInMs: number | null = null): ConnectionInput => ({
  type: 'welcome',
  socketId,
  heartbeatIntervalMs: 15_000,
  idleTimeoutMs: 40_000,
  expiresInMs,
});
export const token = (socketId = SOCKET): ConnectionInput => ({ type: 'token', socketId, token: 'secret' });
export const opened = (socketId = SOCKET): ConnectionInput => ({ type: 'opened', socketId });
export const closed = (code: number, reason = '', socketId = SOCKET): ConnectionInput => ({ type: 'socketClosed', socketId, code, reason });
export const told = (error: ErrorBody, socketId = SOCKET): ConnectionInput => ({ type: 'told', socketId, error });
export const body = (code: ErrorBody['code'], retryAfterMs?: number): ErrorBody => ({
  code,
  message: code,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
