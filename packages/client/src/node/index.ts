import { AlcoveError } from '@alcove/core/error';
import { type AnyRoom, isRoom } from '@alcove/core/schema/define-room';
import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import initSqlJs from 'sql.js';
import { WebSocket } from 'ws';
import { Client, CLIENT_OPTIONS } from '../client.ts';
import type { ClientOptions } from '../client.ts';
import type { OpenSocket, Socket } from '../connection/socket.ts';
import { openSqljsDatabase } from '../replica/sqljs-database.ts';
import { createSyncEngine } from '../sync/sync-engine.ts';
import { createBrowserRuntime } from '../worker/browser-runtime.ts';
import { consoleLogger } from '../worker/console-logger.ts';
import { createFetchImage } from '../worker/fetch-image.ts';
import { refuseRepeatedRooms, roomAsked } from '../worker/room-names.ts';
import { ThreadHost } from '../worker/thread-host.ts';

/** What `createClient` takes in Node. */
export interface NodeClientOptions extends ClientOptions {
  /** Every definition whose rooms this client opens. */
  readonly rooms: readonly AnyRoom[];
}

const NODE_CLIENT_OPTIONS: KeysOf<NodeClientOptions> = { ...CLIENT_OPTIONS, rooms: true };

/** Messages past this end the connection: a hostile or confused server must not fill this process. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/**
 * The same client for Node: jobs, tests, servers that follow a room. Engines run in this thread, so a runaway query is not ended here.
 */
export function createClient(given: NodeClientOptions): Client {
  refuseUnknownKeys('option_invalid', 'createClient in Node', given, NODE_CLIENT_OPTIONS);
  const { rooms, ...options } = given;
  if (!Array.isArray(rooms) || rooms.length === 0)
    throw new AlcoveError('option_invalid', 'rooms is missing: a client in Node runs the engines itself and has to know the definitions', {
      hint: 'Pass every definition whose rooms the client opens: createClient({ url, rooms: [trip] }).',
    });
  const wrong = rooms.findIndex((room) => !isRoom(room));
  if (wrong !== -1)
    throw new AlcoveError('option_invalid', `rooms lists definitions made by defineRoom, and holds ${kindOf(rooms[wrong])}`);
  refuseRepeatedRooms('createClient in Node', rooms);
  const runtime = createBrowserRuntime({ log: consoleLogger });
  const host = new ThreadHost(async (request, handlers) => {
    const room = roomAsked(rooms, request);
    const sqljs = await initSqlJs();
    return createSyncEngine({
      runtime,
      room,
      roomId: request.roomId,
      clientId: request.clientId,
      life: request.life,
      shown: request.shown,
      groupId: request.groupId,
      isGroupBound: request.isGroupBound,
      url: request.url,
      token: handlers.token,
      openDatabase: (image) => openSqljsDatabase(sqljs, image ?? undefined),
      openSocket: openNodeSocket,
      fetchImage: createFetchImage(request.url, runtime.monotonicMs),
      limits: request.limits,
      onNotices: handlers.onNotices,
    });
  });
  return new Client(options, { runtime, host });
}

const openNodeSocket: OpenSocket = (url, handlers): Socket => {
  const socket = new WebSocket(url, { maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
  socket.binaryType = 'nodebuffer';
  socket.on('open', () => handlers.onOpen());
  socket.on('message', (frame: Buffer, isBinary) => handlers.onMessage(isBinary ? new Uint8Array(frame) : frame.toString('utf8')));
  // An HTTP status, a refused connection, an unknown host: `close` follows every error, and knows none of them.
  let failure = '';
  socket.on('error', ({ message }) => {
    failure = message;
  });
  socket.on('close', (code, reason) => handlers.onClose(code, reason.toString('utf8') || failure));
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close(code, reason) {
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close(code === 1000 || (code >= 3000 && code <= 4999) ? code : 4000, reason.slice(0, 100));
    },
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  };
};

export { AlcoveError } from '@alcove/core/error';
export type { Client, ClientOptions } from '../client.ts';
