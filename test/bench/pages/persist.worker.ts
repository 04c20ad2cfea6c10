import type { Runtime } from '@alcove/core/runtime/runtime';
import { silentLogger } from '@alcove/core/runtime/logger';
import { seal } from '../../../packages/client/src/storage/seal.ts';
import type { RoomStorage, StoredCommit, StoredImage, StoredPosition } from '../../../packages/client/src/storage/storage.ts';
import { storedSchemaOf } from '../../../packages/client/src/storage/stored-schema.ts';
import { browserIdb } from '../../../packages/client/src/worker/browser-storage.ts';
import { createBrowserRuntime } from '../../../packages/client/src/worker/browser-runtime.ts';
import { board, itemAt } from '../bench-room.ts';
import { openTable, written } from './raw-idb.ts';
import type { PersistRequest, PersistTimes } from './persist-request.ts';

const MB = 1024 * 1024;
/** Between two writes: what the browser does after one that is not waited for should not fall on the next. */
const QUIET_MS = 5;
/** What getRandomValues gives at once. */
const RANDOM_BYTES_MAX = 65_536;

const runtime: Runtime = createBrowserRuntime({ log: silentLogger });

/** Persists commits one after the other; each call is one. */
type Persist = () => Promise<unknown>;

async function keptRoom(megabytes: number): Promise<Persist> {
  const storage = browserIdb(runtime);
  const room = await storage.open({ server: 'ws://bench', user: null, roomName: 'board', roomId: `${megabytes} MB` });
  await keepImage(room, megabytes * MB);
  let version = 1;
  return async () => {
    version += 1;
    const { tail } = await room.advance({ historyId: 'h', commits: [commitTo(version)], clients: [], rejections: [] });
    if (tail !== 'appended') throw new TypeError(`the commit was not kept: ${tail}`);
  };
}

async function keepImage(room: RoomStorage, length: number): Promise<void> {
  const bytes = new Uint8Array(length);
  // Bytes that nothing can make less of.
  for (let at = 0; at < length; at += RANDOM_BYTES_MAX) crypto.getRandomValues(bytes.subarray(at, Math.min(at + RANDOM_BYTES_MAX, length)));
  const position: StoredPosition = { historyId: 'h', version: 1, hash: '1', view: '', schemaId: board.model.schemaId };
  const image: StoredImage = { position, schema: storedSchemaOf(board), bytes, sha256: '' };
  if ((await room.writeImage(image, await room.becomeImager())) !== 'written') throw new TypeError('the image was not kept');
}

/** One row, as somebody's edit of a title brings it. */
function commitTo(version: number): StoredCommit {
  const { id, list, title, position } = itemAt(version);
  return {
    from: version - 1,
    to: version,
    schema: board.model.schemaId,
    hash: `${version}`,
    changes: [
      {
        table: 'items',
        columns: ['id', 'list', 'title', 'position', 'done'],
        key: ['id'],
        puts: [[id], [list], [title], [position], [0]],
        deletes: [[]],
      },
    ],
  };
}

async function rawTable(): Promise<Persist> {
  const database = await openTable('persist floor', 'tail');
  let version = 1;
  return async () => {
    version += 1;
    await written(database, 'tail', 'relaxed', (rows) => rows.put(seal(runtime, commitTo(version)), version));
  };
}

const opening = new Map<string, Promise<Persist>>();

function persistOf(name: string, open: () => Promise<Persist>): Promise<Persist> {
  const known = opening.get(name) ?? open();
  opening.set(name, known);
  return known;
}

async function answer({ megabytes, count }: PersistRequest): Promise<PersistTimes> {
  const rooms = await Promise.all(megabytes.map((size) => persistOf(`${size}`, () => keptRoom(size))));
  const sides = [...rooms, await persistOf('floor', rawTable)];
  const times = sides.map((): number[] => []);
  for (let round = 0; round < count; round += 1) {
    // Another one begins each time.
    for (let turn = 0; turn < sides.length; turn += 1) {
      const index = (round + turn) % sides.length;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const startMs = performance.now();
      await sides[index]?.();
      times[index]?.push(performance.now() - startMs);
    }
  }
  return { rooms: times.slice(0, -1), floor: times.at(-1) ?? [] };
}

addEventListener('message', ({ data: request }: MessageEvent<PersistRequest>) => {
  void answer(request).then((times) => postMessage(times));
});
