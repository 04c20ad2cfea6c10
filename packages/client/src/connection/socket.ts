/**
 * One open transport as the engine sees it: a browser's WebSocket, `ws` on Node, the simulator's link. Frames keep their order and arrive whole.
 *
 * The handlers of a socket may be called late, also after `close`: the connection compares sockets by identity and drops what an old one says.
 */
export interface Socket {
  /** Queues a frame. Does nothing once the socket closes or has closed. */
  send(frame: string | Uint8Array): void;
  /** Starts closing; `onClose` follows, at once or never. Idempotent. */
  close(code: number, reason: string): void;
  /** Bytes queued and not yet handed to the network. */
  readonly bufferedAmount: number;
}

/** None of them may be called before `OpenSocket` has returned. */
export interface SocketHandlers {
  onOpen(): void;
  onMessage(frame: string | Uint8Array): void;
  /** Once, whether the socket had opened or not. `code` is the close frame's, 1006 where there was none. */
  onClose(code: number, reason: string): void;
}

/** Opens a socket to `url` (ws: or wss:). A failure is told through `onClose`, never thrown. */
export type OpenSocket = (url: string, handlers: SocketHandlers) => Socket;
