import { AlcoveError } from '@alcove/core/error';
import { WebSocket } from 'ws';
import type { DialPrimary } from '../../follow/primary-line.ts';

/** Opens sockets to a primary. @param from Its sockets, ws: or wss:. */
export function dialPrimary(from: string, frameBytesMax: number): DialPrimary {
  return (handlers) => {
    const socket = new WebSocket(from, { perMessageDeflate: false, maxPayload: frameBytesMax });
    socket.on('upgrade', ({ socket: raw }) => void raw.on('data', () => handlers.arriving()));
    socket.on('open', () => handlers.opened());
    socket.on('message', (data: Buffer, isBinary) => handlers.message(isBinary ? new Uint8Array(data) : data.toString()));
    socket.on('error', (cause) =>
      handlers.failed(new AlcoveError('connection_lost', `the primary at ${from}: ${cause.message}`, { cause })),
    );
    socket.on('close', () => handlers.closed());
    return {
      send: (frame) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      },
      end: () => socket.terminate(),
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
    };
  };
}
