import type { OpenSocket, Socket } from '../connection/socket.ts';

/** The platform's WebSocket as the engine's socket. */
export const openWebSocket: OpenSocket = (url, handlers): Socket => {
  let socket: WebSocket;
  try {
    socket = new WebSocket(url);
  } catch (cause) {
    // A bad address, or a page's policy that forbids it: told like any other failure to connect.
    queueMicrotask(() => handlers.onClose(1006, String(cause)));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  }
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => handlers.onOpen());
  socket.addEventListener('message', ({ data: frame }: MessageEvent<string | ArrayBuffer>) =>
    handlers.onMessage(typeof frame === 'string' ? frame : new Uint8Array(frame)),
  );
  socket.addEventListener('close', ({ code, reason }) => handlers.onClose(code, reason));
  return {
    send(frame) {
      // A Uint8Array of ours never sits on shared memory.
      if (socket.readyState === WebSocket.OPEN) socket.send(frame as string | Uint8Array<ArrayBuffer>);
    },
    close(code, reason) {
      // Browsers take 1000 and 3000–4999 only; other codes are the server's to use.
      socket.close(code === 1000 || (code >= 3000 && code <= 4999) ? code : 4000, reason.slice(0, 100));
    },
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  };
};
