import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AlcoveError, defineRoom } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Suspense } from 'react';
import { renderToString } from 'react-dom/server';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { Client } from '../../client/src/client.ts';
import { FakeRuntime } from '../../../test/fake/fake-runtime.ts';
import { createRoomHooks } from './create-room-hooks.ts';

const stops = sqliteTable('stops', { id: text().primaryKey() });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: {},
  presence: v.object({ name: v.string() }),
  ephemeral: { typing: v.boolean() },
});
const { RoomProvider, useQuery, useServerQuery, useSuspenseQuery, useOthers, useEphemeral, useSyncStatus, useRoom } = createRoomHooks(trip);

setFlagsFromString('--expose-gc');
// The flag gives new contexts the function; types know nothing of it.
const collect = runInNewContext('gc') as () => void;

it('[WK-19] a render on a server leaves no timer, no room and no query behind, however many rooms one client renders', async () => {
  const runtime = new FakeRuntime({ log: silentLogger });
  const host = {
    open: () => {
      throw new AlcoveError('internal', 'a render opened an engine');
    },
    close: () => undefined,
  };
  const client = new Client({ url: 'ws://localhost:1/sync' }, { runtime, host });
  const rendered: WeakRef<object>[] = [];

  function Page() {
    const room = useRoom();
    rendered.push(new WeakRef(room), new WeakRef(room.query((db) => db.select().from(stops))));
    rendered.push(new WeakRef(room.serverQuery((db) => db.select().from(stops))));
    const { status } = useQuery((db) => db.select().from(stops));
    const onServer = useServerQuery((db) => db.select().from(stops), { refreshMs: 1_000, live: true });
    expect(onServer).toMatchObject({ status: 'pending', isFetching: false, data: undefined });
    return <p>{[status, useOthers().length, useEphemeral('typing')[2].length, useSyncStatus().connection].join(' ')}</p>;
  }
  function Waits() {
    return <p>{useSuspenseQuery((db) => db.select().from(stops)).length}</p>;
  }

  for (let request = 0; request < 200; request += 1) {
    const html = renderToString(
      <RoomProvider client={client} id={`room-${request}`}>
        <Page />
        <Suspense fallback={<i>soon</i>}>
          <Waits />
        </Suspense>
      </RoomProvider>,
    );
    expect(html).toContain('pending 0 0 idle');
  }
  expect(runtime.time.pendingTimers).toBe(0);
  const left = (): number => rendered.filter((ref) => ref.deref() !== undefined).length;
  // WeakRefs hold on until the job that looked at them has ended. React keeps what it rendered last.
  for (let round = 0; round < 50 && left() > 4; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  expect(left()).toBeLessThanOrEqual(4);
  client.close();
});
