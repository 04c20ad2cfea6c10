import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import type { AlcoveError } from '@alcove/core/error';

/** The path of a request without its query; null for a target that is no path (a proxy's absolute form, garbage). */
export const pathOf = (request: IncomingMessage): string | null => {
  const target = request.url ?? '';
  if (!target.startsWith('/')) return null;
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
};

/** The page's origin as the browser says; version 8 of the WebSocket protocol had a header of its own for it. */
export const originOf = (request: IncomingMessage): string | undefined => {
  const other = request.headers['sec-websocket-origin'];
  return request.headers.origin ?? (Array.isArray(other) ? other[0] : other);
};

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export const answerJson = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...NO_STORE,
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
  });
  response.end(bytes);
};

/** `{"error": {code, message, …}}`, with Retry-After where the error says when. */
export const answerError = (response: ServerResponse, status: number, error: AlcoveError, headers: Record<string, string> = {}): void =>
  answerJson(response, status, { error: error.toBody() }, { ...retryAfter(error), ...unread(error), ...headers });

/** To whoever does not bring the token: 401, or 429 where too many did not. */
export const answerUnauthorized = (response: ServerResponse, error: AlcoveError): void =>
  error.code === 'rate_limited' ? answerError(response, 429, error) : answerError(response, 401, error, { 'www-authenticate': 'Bearer' });

/** The same to a request for a WebSocket, which has no response object; ends the socket. */
export const refuseUpgrade = (socket: Duplex, status: number, error: AlcoveError): void => {
  const body = JSON.stringify({ error: error.toBody() });
  const headers = {
    ...NO_STORE,
    ...retryAfter(error),
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.on('error', () => undefined); // the peer is free to be gone already
  socket.once('finish', () => socket.destroy()); // it need not close its side, and would then stay for ever
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
  socket.resume();
};

/** The rest of what was sent is read by nobody: nothing else may come over that connection. */
const unread = ({ code }: AlcoveError): Record<string, string> => (code === 'message_too_large' ? { connection: 'close' } : {});

const retryAfter = (error: AlcoveError): Record<string, string> =>
  error.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) };
