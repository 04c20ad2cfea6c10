import { createServer as createHttpServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { AlcoveError } from '@alcove/core/error';

/** No honest request has more; tokens travel in messages. */
const HEADER_BYTES_MAX = 16 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** An HTTP server of the host's own, not listening yet, with bounds on what it waits for. */
export const makeHttpServer = (): HttpServer =>
  createHttpServer({ maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS });

/** Resolves when it listens. `host` null: on all addresses. @throws AlcoveError `port_in_use`, `option_invalid` for a port or host that cannot be had. */
export const listen = (server: HttpServer, port: number, host: string | null): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError(error, port, host));
    server.once('error', failed);
    server.listen({ port, ...(host === null ? {} : { host }) }, () => {
      server.off('error', failed);
      resolve();
    });
  });

const listenError = (error: Error, port: number, host: string | null): AlcoveError => {
  const where = `${host ?? 'all addresses'}, port ${port}`;
  if ('code' in error && error.code === 'EADDRINUSE')
    return new AlcoveError('port_in_use', `something listens already on ${where}`, { cause: error });
  return new AlcoveError('option_invalid', `the server cannot listen on ${where}: ${error.message}`, {
    hint: 'Choose a port above 1023 and a host that is an address of this machine.',
    cause: error,
  });
};

/** `ws://host:port` of a listening server; null where it does not listen on a port. */
export const socketOriginOf = (server: HttpServer): string | null => {
  const address = server.address();
  if (address === null || typeof address === 'string') return null;
  const everywhere = address.address === '::' || address.address === '0.0.0.0';
  const host = everywhere ? 'localhost' : address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `ws://${host}:${address.port}`;
};

/** The address and port it is bound to, which is what others may reach: `0.0.0.0:8787` or `[::]:8787` are all addresses of this machine. */
export const boundAddressOf = (server: HttpServer): string | null => {
  const address = server.address();
  if (address === null || typeof address === 'string') return address;
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
};

/** Stops accepting and ends connections that wait for nothing; what is being answered goes on. Resolves when all are gone. */
export const stopListening = (server: HttpServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
