import { createClient } from '@alcove/client';
import { createRoomHooks } from '@alcove/react';
import { eq } from 'drizzle-orm';
import type { ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { board, items } from '../bench-room.ts';
import { offer } from './bench-page.ts';
import { BoardPlayer } from './board-player.ts';
import { ListView } from './list-view.tsx';

const roomId = location.hash.slice(1);
const hooks = createRoomHooks(board);
const client = createClient({
  // What keeping rooms on the device costs has figures of its own.
  storage: 'memory',
  url: '/sync',
  worker: () => new Worker(new URL('./board.worker.ts', import.meta.url), { type: 'module' }),
});
const player = new BoardPlayer((id, title) => client.room(board, roomId).mutate.rename({ id, title }).confirmed);

function List(): ReactElement | null {
  const { data } = hooks.useQuery((db) => db.select().from(items).where(eq(items.list, 0)).orderBy(items.position), []);
  return data === undefined ? null : <ListView rows={data} onShown={player.shown} />;
}

const root = document.querySelector('#root');
if (root === null) throw new TypeError('the page has no root');
createRoot(root).render(
  <hooks.RoomProvider client={client} id={roomId}>
    <List />
  </hooks.RoomProvider>,
);
offer(player);
