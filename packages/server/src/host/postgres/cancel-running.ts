import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { PoolClient } from 'pg';

/** The first words of a connection that is none: it asks for TLS, or for the end of what a session runs. */
const SSL_CODE = 80_877_103;
const CANCEL_CODE = 80_877_102;
const YES = 'S'.charCodeAt(0);
const TIMEOUT_MS = 1_000;

/** What pg's clients have, and its types leave out. */
interface SignedInClient {
  /** Of the session, as the server told; null before. */
  readonly processID: number | null;
  readonly secretKey: number | null;
  /** What the connection was made with; false: in the clear. */
  readonly ssl: boolean | ConnectionOptions;
  /** `direct`: TLS from the first byte on. */
  readonly sslNegotiation?: string;
}

/**
 * Asks the server to end what the client's session runs, over a connection of its own that is encrypted, and its server verified, as the client's is. It may come too late and end what runs next, so that a client must not be used
 * again unless what was to end has ended by it. Nothing is heard of a request that does not get through.
 */
export function cancelRunning(client: PoolClient): void {
  const signedIn = client as unknown as SignedInClient; // see there
  const { processID, secretKey, ssl, sslNegotiation } = signedIn;
  if (processID === null || secretKey === null) return;
  const request = message(CANCEL_CODE, processID, secretKey);
  const socket = client.host.startsWith('/') ? connect(`${client.host}/.s.PGSQL.${client.port}`) : connect(client.port, client.host);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  socket.on('error', ignore);
  socket.once('connect', () => {
    if (ssl === false) return last(socket, request);
    if (sslNegotiation === 'direct') return sendEncrypted(socket, client.host, signedIn, request);
    socket.once('data', (answer) => {
      // More than the one byte is nobody's that TLS has vouched for.
      if (answer.length === 1 && answer[0] === YES) sendEncrypted(socket, client.host, signedIn, request);
      else socket.destroy();
    });
    socket.write(message(SSL_CODE));
  });
}

function sendEncrypted(socket: Socket, host: string, { ssl, sslNegotiation }: SignedInClient, request: Buffer): void {
  const given = typeof ssl === 'object' ? ssl : {};
  const secure = connectTls({
    host,
    ...given,
    ...(given.key === undefined ? {} : { key: given.key }), // pg hides it from copies
    ...(sslNegotiation === 'direct' ? { ALPNProtocols: ['postgresql'] } : {}),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    socket,
  });
  secure.on('error', () => socket.destroy());
  secure.once('secureConnect', () => last(secure, request));
}

function last(socket: Socket, request: Buffer): void {
  socket.end(request);
  socket.resume();
}

/** Its length, then the words. */
function message(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + words.length * 4);
  for (const [index, word] of [bytes.length, ...words].entries()) bytes.writeInt32BE(word, index * 4);
  return bytes;
}

const ignore = (): void => undefined;
