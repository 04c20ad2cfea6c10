import initSqlJs from 'sql.js';
import { wasmUrl } from './wasm-url.ts';
import type { ImageRequest } from './raw-image.ts';

// Compiled while it arrives, as sql.js does by itself.
const starting = initSqlJs({ locateFile: () => wasmUrl });

addEventListener('message', ({ data: request }: MessageEvent<ImageRequest>) => {
  void answer(request);
});

async function answer({ url, ticket, sql, params }: ImageRequest): Promise<void> {
  const fetching = fetch(url, { headers: { authorization: `Bearer ${ticket}` } }).then((response) => response.arrayBuffer());
  const [sqljs, image] = await Promise.all([starting, fetching]);
  const statement = new sqljs.Database(new Uint8Array(image)).prepare(sql);
  statement.bind([...params]);
  const rows: unknown[] = [];
  while (statement.step()) rows.push(statement.getAsObject());
  postMessage(rows);
}
