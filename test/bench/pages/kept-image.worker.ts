import initSqlJs from 'sql.js';
import { wasmUrl } from './wasm-url.ts';
import { asked, openTable, written } from './raw-idb.ts';
import type { ImageRequest } from './raw-image.ts';

const starting = initSqlJs({ locateFile: () => wasmUrl });
const reading = openTable('floor', 'image').then(async (database) => {
  const kept: unknown = await asked(database.transaction('image').objectStore('image').get(0));
  return { database, kept };
});

addEventListener('message', ({ data: request }: MessageEvent<ImageRequest>) => {
  void answer(request);
});

async function answer(request: ImageRequest): Promise<void> {
  const { database, kept } = await reading;
  const image = kept instanceof ArrayBuffer ? kept : await fetchAndKeep(database, request);
  const sqljs = await starting;
  const statement = new sqljs.Database(new Uint8Array(image)).prepare(request.sql);
  statement.bind([...request.params]);
  const rows: unknown[] = [];
  while (statement.step()) rows.push(statement.getAsObject());
  postMessage(rows);
}

async function fetchAndKeep(database: IDBDatabase, { url, ticket }: ImageRequest): Promise<ArrayBuffer> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${ticket}` } });
  const image = await response.arrayBuffer();
  await written(database, 'image', 'relaxed', (rows) => rows.put(image, 0));
  return image;
}
