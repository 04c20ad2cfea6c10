import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { AlcoveServer } from './alcove-server.ts';
import { DataDir } from './data-dir.ts';
import { type DataDirLock, lockDataDir } from './data-dir-lock.ts';
import { heardAuthorize } from './heard-authorize.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { NodeServer } from './node-server.ts';
import type { RoomHandle } from './room-handle.ts';
import { driverInUse } from './open-database.ts';
import { resolveServerOptions } from './server-options.ts';
import type { ResolvedServerOptions, ServerOptions } from './server-options.ts';
import { drainOnSignal } from './stop-signals.ts';

/**
 * Starts a server: rooms as SQLite files in `dataDir`, sockets and images on `port`, or inside an HTTP server of the app's (`attach`). Resolves when it
 * listens. Ends with `close()`, or by SIGTERM.
 *
 * @throws AlcoveError `option_invalid`, `data_dir_unwritable`, `data_dir_locked`, `port_in_use`, `driver_missing`, and what is wrong with a seed file; nothing
 *   is left running or locked then.
 */
export const createServer = async <const Rooms extends readonly AnyRoom[]>(options: ServerOptions<Rooms>): Promise<AlcoveServer<Rooms>> => {
  const resolved = heard(resolveServerOptions(options));
  const { log } = resolved;
  const driver = driverInUse();
  if (driver !== 'better-sqlite3') log.info('better-sqlite3 is not used', { driver });
  const dataDir = new DataDir(resolved.dataDir);
  dataDir.prepare([...resolved.rooms.keys()]);
  const lock = lockDataDir(dataDir.path);
  const server = orRelease(lock, () => new NodeServer(resolved, dataDir, createNodeRuntime({ log })));
  let forgetSignals = (): void => undefined;
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= server.close().finally(() => {
      lock.release();
      forgetSignals();
    });
    return closing;
  };
  try {
    dataDir.clean();
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  if (resolved.signals) {
    forgetSignals = drainOnSignal(async (signal) => {
      log.info('stopping', { signal });
      await close();
    }, log);
  }
  return typed<Rooms>(server, close);
};

const heard = (options: ResolvedServerOptions): ResolvedServerOptions =>
  options.authorize === null ? options : { ...options, authorize: heardAuthorize(options.authorize, options.log) };

const orRelease = <Made>(lock: DataDirLock, make: () => Made): Made => {
  try {
    return make();
  } catch (error) {
    lock.release();
    throw error;
  }
};

/** The types say which rooms there are; what runs is the same for all. */
const typed = <Rooms extends readonly AnyRoom[]>(server: NodeServer, close: () => Promise<void>): AlcoveServer<Rooms> => {
  function room<Room extends Rooms[number]>(definition: Room, id: string): RoomHandle<Room>;
  function room(name: string, id: string): RoomHandle<Rooms[number]>;
  function room(definition: Rooms[number] | string, id: string): RoomHandle<Rooms[number]> {
    return typeof definition === 'string' ? server.room(definition, id) : server.room(definition, id);
  }
  return {
    get url() {
      return server.url;
    },
    attach: (httpServer, options) => server.attach(httpServer, options),
    room,
    rooms: server.rooms,
    sessions: server.sessions,
    mirror: server.mirror,
    replicas: server.replicas,
    metrics: () => server.metrics(),
    close,
  };
};
