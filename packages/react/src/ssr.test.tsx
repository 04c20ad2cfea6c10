import { defineRoom, mutator, value } from '@alcove/core';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { type ReactNode, Suspense } from 'react';
import { renderToString } from 'react-dom/server';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { ScriptedEngine } from '../../../test/fake/scripted-engine.ts';
import { createRoomHooks } from './create-room-hooks.ts';

const stops = sqliteTable('stops', { id: text().primaryKey() });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: { add: mutator(v.object({ id: v.string() }), (tx, stop) => tx.insert(stops).values(stop).run()) },
  presence: v.object({ name: v.string() }),
  values: { budget: value(v.number()) },
});
const { RoomProvider, useQuery, useSuspenseQuery, useOthers, useDebouncedValue, useSyncStatus } = createRoomHooks(trip);

function Page() {
  const { status } = useQuery((db) => db.select().from(stops));
  const [budget] = useDebouncedValue('budget');
  return <p>{[status, useOthers().length, budget ?? 'none', useSyncStatus().connection].join(' ')}</p>;
}

function Waits() {
  return <p>{useSuspenseQuery((db) => db.select().from(stops)).length}</p>;
}

it('[WK-13] renders on a server without opening anything: pending, and the fallback where a query suspends', () => {
  const engine = new ScriptedEngine();
  const client = engine.client();
  const html = renderToString(
    <RoomProvider client={client} id="japan">
      <Page />
      <Suspense fallback={<i>soon</i>}>
        <Waits />
      </Suspense>
    </RoomProvider>,
  );
  expect(html).toContain('pending 0 none idle');
  expect(html).toContain('soon');
  expect(engine.requests).toEqual([]);
  client.close();
});

it('[WK-56] hooks of two definitions of one name each have the room of their own, and none is another’s', () => {
  const [ours, theirs] = [
    createRoomHooks(trip),
    createRoomHooks(defineRoom({ name: 'trip', schema: { places: sqliteTable('places', { id: text().primaryKey() }) } })),
  ];
  const [client, other] = [new ScriptedEngine().client(), new ScriptedEngine().client()];
  const Both = () => <p>{[ours.useRoom().id, theirs.useRoom().id].join(' ')}</p>;
  const Ours = () => <p>{ours.useRoom().id}</p>;
  const inTheirs = (page: ReactNode) => (
    <theirs.RoomProvider client={other} id="theirs">
      {page}
    </theirs.RoomProvider>
  );
  expect(
    renderToString(
      <ours.RoomProvider client={client} id="ours">
        {inTheirs(<Both />)}
      </ours.RoomProvider>,
    ),
  ).toContain('ours theirs');
  expect(() => renderToString(inTheirs(<Ours />))).toThrow(expect.objectContaining({ code: 'option_invalid' }));
  for (const one of [client, other]) one.close();
});
