import { silentLogger } from '@alcove/core/runtime/logger';
import type { SqlJsStatic } from 'sql.js';
import { WebSocket } from 'ws';
import { Client } from '../../packages/client/src/client.ts';
import type { OpenSocket } from '../../packages/client/src/connection/socket.ts';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { createSyncEngine } from '../../packages/client/src/sync/sync-engine.ts';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import { createFetchImage } from '../../packages/client/src/worker/fetch-image.ts';
import { ThreadHost } from '../../packages/client/src/worker/thread-host.ts';
import { board } from './bench-room.ts';

/**
 * The client as `@alcove/client/node` makes it, engine and page side in this thread, with one thing more: `onFrame` is called when a frame has come and
 * before the engine sees it, so that the network is left out of what is measured.
 */
export function createBenchClient(url: string, sqljs: SqlJsStatic, onFrame: () => void): Client {
  const runtime = createBrowserRuntime({ log: silentLogger });
  const host = new ThreadHost(async (request, handlers) =>
    createSyncEngine({
      ...request,
      runtime,
      room: board,
      token: handlers.token,
      openDatabase: (image) => openSqljsDatabase(sqljs, image ?? undefined),
      openSocket: openSocketTelling(onFrame),
      fetchImage: createFetchImage(request.url, () => performance.now()),
      onNotices: handlers.onNotices,
    }),
  );
  return new Client({ url }, { runtime, host });
}

const openSocketTelling =
  (onFrame: () => void): OpenSocket =>
  (url, handlers) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('open', () => handlers.onOpen());
    socket.on('message', (frame: Buffer, isBinary) => {
      const whole = isBinary ? new Uint8Array(frame) : frame.toString('utf8');
      onFrame();
      handlers.onMessage(whole);
    });
    socket.on('close', (code, reason) => handlers.onClose(code, reason.toString('utf8')));
    // `close` follows every error.
    socket.on('error', () => undefined);
    return {
      send: (frame) => socket.send(frame),
      close: (code, reason) => socket.close(code, reason),
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
    };
  };
