import { createClient } from '@alcove/client';
import { createRoomHooks } from '@alcove/react';
import { eq } from 'drizzle-orm';
import type { ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { board, items } from '../bench-room.ts';
import { pendingCall } from '../pending-calls.ts';
import { offer } from './bench-page.ts';
import { BoardPlayer } from './board-player.ts';
import type { BoardStart } from './board-start.ts';
import { ListView } from './list-view.tsx';

const { room: roomId, storage, rows, pending } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as BoardStart; // the bench wrote it
const hooks = createRoomHooks(board);
const client = createClient({
  storage,
  url: '/sync',
  worker: () => new Worker(new URL('./board.worker.ts', import.meta.url), { type: 'module' }),
});
const player = new BoardPlayer(
  (id, title) => {
    const { local, confirmed } = client.room(board, roomId).mutate.rename({ id, title });
    return pending > 0 ? local : confirmed;
  },
  pending > 0 ? pileUp : undefined,
);

/** What is called without a connection stays pending. */
async function pileUp(): Promise<void> {
  const room = client.room(board, roomId);
  room.disconnect();
  const calls = Array.from({ length: pending }, (_, index) => pendingCall(index, rows));
  await Promise.all(calls.map(({ name, args }) => (name === 'add' ? room.mutate.add(args) : room.mutate.rename(args)).local));
}

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
