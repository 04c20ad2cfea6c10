import { createClient } from '@alcove/client';
import { createRoomHooks } from '@alcove/react';
import { createRoot } from 'react-dom/client';
import { list, todos } from './room.ts';

const { RoomProvider, useQuery, useMutator } = createRoomHooks(list);

const client = createClient({
  url: 'ws://localhost:8788/sync',
  worker: () => new Worker(new URL('./room.worker.ts', import.meta.url), { type: 'module' }),
});

function Todos() {
  const { data = [], status } = useQuery((db) => db.select().from(todos).orderBy(todos.title));
  const [add, toggle] = [useMutator('add'), useMutator('toggle')];
  if (status === 'pending') return <p>Loading …</p>;
  return (
    <form action={(form) => void add({ title: form.get('title') as string /* a text field gives text */ })}>
      <input name="title" placeholder="What is to be done?" required />
      {data.map(({ id, title, done }) => (
        <button key={id} type="button" role="checkbox" aria-checked={done} onClick={() => void toggle({ id, done: !done })}>
          {done ? '☑' : '☐'} {title}
        </button>
      ))}
    </form>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <RoomProvider client={client} id="groceries">
    <Todos />
  </RoomProvider>,
);
