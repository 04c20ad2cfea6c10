import initSqlJs from 'sql.js';
import { PENDING_TITLE, type PendingCall } from '../pending-calls.ts';
import type { RawOutboxAnswer, RawOutboxRequest } from './outbox-start.ts';
import { fillBoard } from './raw-board-rows.ts';
import { asked, openTable, written } from './raw-idb.ts';
import { wasmUrl } from './wasm-url.ts';

const starting = initSqlJs({ locateFile: () => wasmUrl });
/** The board under 'image', the calls under their numbers. */
const opening = openTable('outbox floor', 'rows');
let kept = 0;

async function make(rows: number): Promise<RawOutboxAnswer> {
  const sqljs = await starting;
  const board = new sqljs.Database();
  fillBoard(board, rows);
  const image = board.export();
  await written(await opening, 'rows', 'strict', (table) => table.put(image, 'image'));
  return { type: 'made' };
}

async function keep(first: number, calls: readonly PendingCall[]): Promise<RawOutboxAnswer> {
  await written(await opening, 'rows', 'strict', (table) => {
    for (const [index, call] of calls.entries()) table.put(JSON.stringify(call), first + index);
  });
  kept += calls.length;
  return { type: 'kept', calls: kept };
}

async function restore(): Promise<RawOutboxAnswer> {
  const rows = (await opening).transaction('rows').objectStore('rows');
  const [image, texts]: [Uint8Array, string[]] = await Promise.all([
    asked<Uint8Array>(rows.get('image')),
    asked<string[]>(rows.getAll(IDBKeyRange.bound(0, Number.MAX_SAFE_INTEGER))),
  ]);
  const sqljs = await starting;
  const board = new sqljs.Database(image);
  const add = board.prepare('INSERT INTO items VALUES (?, ?, ?, ?, 0)');
  const rename = board.prepare('UPDATE items SET title = ? WHERE id = ?');
  board.run('BEGIN');
  for (const text of texts) {
    const { name, args } = JSON.parse(text) as PendingCall; // `keep` wrote it
    if (name === 'add') add.run([args.id, args.list, args.title, args.position]);
    else rename.run([args.title, args.id]);
  }
  board.run('COMMIT');
  const [result] = board.exec(`SELECT count(*) FROM items WHERE title LIKE '${PENDING_TITLE} %'`);
  return { type: 'shown', rows: Number(result?.values[0]?.[0]) };
}

function answer(request: RawOutboxRequest): Promise<RawOutboxAnswer> {
  switch (request.type) {
    case 'make':
      return make(request.rows);
    case 'keep':
      return keep(request.first, request.calls);
    case 'restore':
      return restore();
  }
}

addEventListener('message', ({ data: request }: MessageEvent<RawOutboxRequest>) => {
  void answer(request).then((said) => postMessage(said));
});
