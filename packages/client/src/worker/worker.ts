import { AlcoveError, assert } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnyRoom, isRoom } from '@alcove/core/schema/define-room';
import { kindOf } from '@alcove/core/unknown-keys';
import { expose } from 'comlink';
import type { Database } from '@alcove/core/sqlite/database';
import { openSqljsDatabase, type SqljsDatabase } from '../replica/sqljs-database.ts';
import { madeOf } from '../replica/open-image.ts';
import type { SyncEngine } from '../sync/engine-interface.ts';
import { createSyncEngine } from '../sync/sync-engine.ts';
import { createBrowserRuntime } from './browser-runtime.ts';
import { consoleLogger } from './console-logger.ts';
import type { EngineOrder, OpenRequest } from './engine-port.ts';
import { createBrowserStorage } from './browser-storage.ts';
import { createFetchImage } from './fetch-image.ts';
import { loadSqljs } from './load-sqljs.ts';
import { performMutations, performOrder, refusedBy, tellThrown } from './perform-order.ts';
import { refuseRepeatedRooms } from './room-names.ts';
import { RunMarks, markDatabase, markMutators } from './run-marks.ts';
import { openWebSocket } from './web-socket.ts';
import type { Answer, EngineReport, TokenAnswer, WorkerApi } from './worker-api.ts';

type WorkerScope = Pick<Worker, 'postMessage'>;

/** One room in this worker, from `open` on. */
interface OpenedEngine {
  readonly engine: SyncEngine;
  report(report: EngineReport): void;
  end(): void;
}

/**
 * Called once by the app's worker file, with every room definition its pages may open. Answers until the worker ends.
 * @throws AlcoveError `option_invalid` for what is no definition, and for two of one name
 */
export function startWorker(...rooms: readonly AnyRoom[]): void {
  for (const room of rooms) {
    if (!isRoom(room)) throw new AlcoveError('option_invalid', `startWorker takes definitions made by defineRoom, and got ${kindOf(room)}`);
  }
  refuseRepeatedRooms('startWorker', rooms);
  const runtime = createBrowserRuntime({ log: consoleLogger });
  // SQLite starts while the page's first words are on their way. Where that fails, the room that is opened first says so.
  loadSqljs().catch(() => undefined);
  // The compiler knows this file as a page's; in a worker the global scope posts to the page that made it.
  const scope = globalThis as unknown as WorkerScope;
  expose(createWorkerApi(rooms, runtime, scope));
}

/** The worker's answers, without the worker: for tests too. */
export function createWorkerApi(rooms: readonly AnyRoom[], runtime: Runtime, scope: WorkerScope): WorkerApi {
  const engines = new Map<number, Promise<OpenedEngine | null>>();
  const marks = new RunMarks((mark) => scope.postMessage(mark), runtime.monotonicMs);

  const engineOf = async (handle: number): Promise<OpenedEngine> => {
    const opened = await engines.get(handle);
    if (opened === undefined || opened === null) throw new AlcoveError('closed', 'the room is not open in this worker');
    return opened;
  };

  const obey = async (handle: number, order: EngineOrder): Promise<void> => {
    const opened = await engines.get(handle);
    if (opened === undefined || opened === null) return; // closed, or broken and reported as such
    try {
      performOrder(opened.engine, order);
    } catch (error) {
      if (reportRefusal(opened, order, AlcoveError.from(error)) === 'refused') return;
      // The page opens another engine under the same name: this one must be gone.
      opened.engine.close();
      engines.delete(handle);
      return opened.end();
    }
    if (order.type !== 'leave' && order.type !== 'close') return;
    engines.delete(handle);
    opened.end();
  };

  return {
    open(handle, request, reports) {
      assert(!engines.has(handle), `handle ${handle} is opened twice`);
      engines.set(handle, openOrReport({ rooms, runtime, marks, handle, request, reports }));
    },
    mutate: (handle, mutations) =>
      answer(async () => {
        const { taken, error } = performMutations((await engineOf(handle)).engine, mutations);
        const failed = mutations[taken];
        if (error !== null && failed !== undefined) tellThrown(error, failed, runtime.log);
        return { taken, error: error === null ? null : error.toBody() };
      }),
    runOnce: (handle, query) => answer(async () => (await engineOf(handle)).engine.runOnce(query)),
    serverRead: (handle, call, read) => answer(async () => (await engineOf(handle)).engine.serverRead(call, read)),
    tell(handle, order) {
      void obey(handle, order);
    },
    ping: () => undefined,
    markAll: () => marks.markAll(),
  };
}

interface Opening {
  readonly rooms: readonly AnyRoom[];
  readonly runtime: Runtime;
  readonly marks: RunMarks;
  readonly handle: number;
  readonly request: OpenRequest;
  readonly reports: MessagePort;
}

/** What goes wrong is reported to the page; null then. */
async function openOrReport(opening: Opening): Promise<OpenedEngine | null> {
  const report = (what: EngineReport): void => opening.reports.postMessage(what);
  try {
    return { engine: await openEngine(opening, report), report, end: () => opening.reports.close() };
  } catch (error) {
    report({ type: 'broken', error: AlcoveError.from(error, 'worker_failed').toBody() });
    return null;
  }
}

async function openEngine(
  { rooms, runtime, marks, handle, request, reports }: Opening,
  report: (report: EngineReport) => void,
): Promise<SyncEngine> {
  const room = findRoom(rooms, request);
  // The engine knows databases as they are marked; images are taken of what is behind.
  const unmarked = new WeakMap<Database, SqljsDatabase>();
  const exportImage = (database: Database): Uint8Array => {
    const opened = unmarked.get(database);
    assert(opened !== undefined, 'a database of another worker');
    return opened.exportImage();
  };
  // Read while SQLite is still on its way.
  const wanted = request.isFrugal === true ? 'outbox' : 'all';
  const storage = request.place === null ? null : createBrowserStorage(runtime, request.place, wanted, exportImage);
  madeOf(room.model); // asked for once the image is there
  const sqljs = await loadSqljs();
  const openDatabase = (image: Uint8Array | null): Database => {
    const database = openSqljsDatabase(sqljs, image ?? undefined);
    const marked = markDatabase(database, handle, marks);
    unmarked.set(marked, database);
    return marked;
  };
  const engine = createSyncEngine({
    runtime,
    room: markMutators(room, handle, marks),
    roomId: request.roomId,
    clientId: request.clientId,
    life: request.life,
    shown: request.shown,
    condemned: request.condemned,
    groupId: request.groupId,
    isGroupBound: request.isGroupBound,
    url: request.url,
    token: askForTokens(reports, report),
    openDatabase,
    openSocket: openWebSocket,
    fetchImage: createFetchImage(request.url, runtime.monotonicMs),
    isFrugal: request.isFrugal ?? false,
    limits: request.limits,
    storage,
    onNotices: (notices) => report({ type: 'notices', notices }),
  });
  if (request.clients.length > 0 || request.mutations.length > 0) engine.adopt(request.clients, request.mutations);
  return engine;
}

/** The page holds the tokens; it is asked over the room's own port, so that nothing is left to release when the room closes. */
function askForTokens(reports: MessagePort, report: (report: EngineReport) => void): () => Promise<string | null> {
  const waiting = new Map<number, (answer: TokenAnswer) => void>();
  let last = 0;
  reports.onmessage = ({ data: answer }: MessageEvent<TokenAnswer>) => {
    waiting.get(answer.number)?.(answer);
    waiting.delete(answer.number);
  };
  return async () => {
    const number = ++last;
    const answered = new Promise<TokenAnswer>((resolve) => waiting.set(number, resolve));
    report({ type: 'tokenWanted', number });
    const answer = await answered;
    if ('error' in answer) throw AlcoveError.fromBody(answer.error);
    return answer.value;
  };
}

function findRoom(rooms: readonly AnyRoom[], request: OpenRequest): AnyRoom {
  const room = rooms.find(({ name }) => name === request.roomName);
  if (room === undefined) {
    throw new AlcoveError('option_invalid', `the worker was started without the room definition “${request.roomName}”`, {
      hint: 'Pass it to startWorker in the worker file.',
    });
  }
  if (room.model.schemaId !== request.schemaId) {
    throw new AlcoveError('update_needed', `page and worker come from different builds: they hold different schemas of “${room.name}”`, {
      hint: 'Load the page again.',
    });
  }
  return room;
}

/** A state or value that cannot be set is told to its hook; anything else that an order throws breaks the engine, loudly. */
function reportRefusal(opened: OpenedEngine, order: EngineOrder, error: AlcoveError): 'refused' | 'broken' {
  const refused = refusedBy(order);
  if (refused === null) {
    opened.report({ type: 'broken', error: error.toBody() });
    return 'broken';
  }
  opened.report({ type: 'notices', notices: [{ type: 'stateRefused', ...refused, error: error.toBody() }] });
  return 'refused';
}

async function answer<Value>(run: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: AlcoveError.from(error).toBody() };
  }
}
