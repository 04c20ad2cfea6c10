import initSqlJs from 'sql.js';
import type { Statement } from 'sql.js';
import { wasmUrl } from './wasm-url.ts';
import type { ListItem } from './list-view.tsx';
import { fillBoard } from './raw-board-rows.ts';
import type { RawRename, RawStart } from './raw-board.ts';

const starting = initSqlJs({ locateFile: () => wasmUrl });

addEventListener('message', ({ data: start }: MessageEvent<RawStart>) => void open(start), { once: true });

async function open({ url, items }: RawStart): Promise<void> {
  const database = new (await starting).Database();
  fillBoard(database, items);
  const update = database.prepare('UPDATE items SET title = ? WHERE id = ?');
  const select = database.prepare('SELECT id, title, done FROM items WHERE list = 0 ORDER BY position');
  const rename = ({ id, title }: RawRename): void => {
    update.run([title, id]);
    postMessage(rowsOf(select));
  };
  if (url === null) {
    addEventListener('message', ({ data: asked }: MessageEvent<RawRename>) => rename(asked));
  } else {
    const socket = new WebSocket(url);
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    socket.addEventListener('message', ({ data: frame }: MessageEvent<string>) => rename(JSON.parse(frame) as RawRename)); // a page wrote it
    addEventListener('message', ({ data: asked }: MessageEvent<RawRename>) => socket.send(JSON.stringify(asked)));
  }
  postMessage(rowsOf(select));
}

function rowsOf(select: Statement): ListItem[] {
  const rows: ListItem[] = [];
  while (select.step()) {
    const [id, title, done] = select.get();
    rows.push({ id: String(id), title: String(title), done: done === 1 });
  }
  select.reset();
  return rows;
}
