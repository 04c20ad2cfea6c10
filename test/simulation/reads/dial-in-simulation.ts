import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { DialPrimary } from '../../../packages/server/src/follow/primary-line.ts';
import type { SimProcess } from '../world/sim-process.ts';

/** Sockets of a server to another one over the simulated network. One that is ended here hears of that at once, as a destroyed socket of Node does. */
export function dialInSimulation(process: SimProcess, connect: (process: SimProcess, handlers: SocketHandlers) => Socket): DialPrimary {
  return (handlers) => {
    let isOver = false;
    const closed = (): void => {
      if (!isOver) handlers.closed();
      isOver = true;
    };
    const socket = connect(process, {
      onOpen: () => handlers.opened(),
      onMessage: (frame) => handlers.message(frame),
      onClose: closed,
    });
    return {
      send: (frame) => socket.send(frame),
      end: () => {
        socket.close(1001, '');
        process.runtime.setTimer(0, closed);
      },
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
    };
  };
}
