import type { IncomingMessage } from 'node:http';
import { AlcoveError } from '@alcove/core/error';

/** The body as text. @throws AlcoveError `message_too_large` */
export async function requestBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // A request gives buffers unless it was told an encoding.
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new AlcoveError('message_too_large', `the body has ${bytes} bytes or more; the limit is ${bytesMax}`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
