import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { WebSocket } from 'ws';
import { trip } from '../../examples/trip-planner/room.ts';

/** Address and ticket of the room's image; null while it has none. */
export function imageOffer(url: string, room: string): Promise<[url: string, ticket: string] | null> {
  const address = `${url.replace(/^http/, 'ws')}/sync`;
  const socket = new WebSocket(address);
  return new Promise((resolve, reject) => {
    const clientId = `floor-${Math.random().toString(36).slice(2)}`;
    socket.once('error', reject);
    socket.once('open', () =>
      socket.send(
        JSON.stringify({
          type: 'hello',
          protocol: 1,
          room: 'trip',
          id: room,
          schema: trip.model.schemaId,
          clientId,
          snapshots: ['image', 'rows'],
        }),
      ),
    );
    socket.once('message', (frame: Buffer) => {
      const message = JSON.parse(frame.toString('utf8')) as ServerMessage; // the server validated it
      socket.terminate();
      if (message.type !== 'welcome') reject(new TypeError(`welcome was expected, not ${frame.toString('utf8').slice(0, 300)}`));
      else resolve(message.image === null ? null : [new URL(message.image.path, `${url}/sync`).href, message.image.ticket]);
    });
  });
}

/** The first who asks starts its building. */
export async function waitForImage(url: string, room: string): Promise<void> {
  for (;;) {
    const offer = await imageOffer(url, room);
    if (offer === null) continue;
    const [address, ticket] = offer;
    const response = await fetch(address, { headers: { authorization: `Bearer ${ticket}` } });
    await response.arrayBuffer();
    if (response.ok) return;
  }
}
