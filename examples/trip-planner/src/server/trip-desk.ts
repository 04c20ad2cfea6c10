import type { IncomingMessage, ServerResponse } from 'node:http';
import { freshTripId } from '../trip-address.ts';
import { sendJson } from './pages.ts';
import type { TripAccess } from './trip-access.ts';

const BODY_BYTES_MAX = 4_096;

/** Where keys are handed out. */
export const isTripDesk = (method: string | undefined, path: string): boolean => method === 'POST' && path === '/trips';

/**
 * `POST /trips` with `{ name }` is answered with `{ id, key }` of a trip that nobody has yet; it is made when its starter comes in. The server chooses the id, so that
 * nobody gets a key to a trip by naming it. With `{ id }` of a trip `beforeKeys`, whose address was its link when it was made, `{ id, key }` of that one; of any other
 * trip, be it there or not, `{ id, key: null }`.
 */
export function answerAtDesk(
  request: IncomingMessage,
  response: ServerResponse,
  access: Pick<TripAccess, 'keyFor'>,
  beforeKeys: ReadonlySet<string>,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= BODY_BYTES_MAX) pieces.push(piece);
  });
  request.on('end', () => {
    const { name, id } = bytes > BODY_BYTES_MAX ? {} : asked(Buffer.concat(pieces).toString('utf8'));
    if (typeof id === 'string') sendJson(response, { id, key: beforeKeys.has(id) ? access.keyFor(id).text : null });
    else if (typeof name === 'string') {
      const fresh = freshTripId(name);
      sendJson(response, { id: fresh, key: access.keyFor(fresh).text });
    } else response.writeHead(400, { 'content-type': 'text/plain' }).end('a name is needed: { "name": "Japan" }\n');
  });
}

function asked(body: string): { readonly name?: unknown; readonly id?: unknown } {
  try {
    const said: unknown = JSON.parse(body);
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
