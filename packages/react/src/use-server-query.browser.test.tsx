import { defineRoom, query } from '@alcove/core';
import { AlcoveError } from '@alcove/core/error';
import type { ServerQueryResult } from '@alcove/client';
import { eq, sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Activity, type ReactNode, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import * as v from 'valibot';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { ScriptedEngine } from '../../../test/fake/scripted-engine.ts';
import { serverRows } from '../../../test/fake/server-answers.ts';
import { createRoomHooks } from './create-room-hooks.ts';
import { eventually } from '../../../test/fake/eventually.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull() });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  queries: { inCity: query(v.string(), (db, city) => db.select().from(stops).where(eq(stops.city, city))) },
});
const hooks = createRoomHooks(trip);

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function render(children: ReactNode, { strict = false } = {}) {
  const engine = new ScriptedEngine();
  const client = engine.client();
  const element = document.body.appendChild(document.createElement('div'));
  const root = createRoot(element);
  const tree = (
    <hooks.RoomProvider client={client} id="japan">
      {children}
    </hooks.RoomProvider>
  );
  root.render(strict ? <StrictMode>{tree}</StrictMode> : tree);
  await eventually(() => expect(engine.requests.length).toBe(1));
  engine.live();
  ends.push(() => {
    root.unmount();
    client.close();
    element.remove();
  });
  const text = (expected: string) => eventually(() => expect(element.textContent).toBe(expected));
  const asked = (count: number) => eventually(() => expect(engine.reads.length).toBe(count));
  const answer = (...cities: string[]) =>
    engine.reads.at(-1)?.resolve(
      serverRows(
        ['id', 'city'],
        cities.map((city, index) => [`${index}`, city]),
      ),
    );
  return { engine, client, text, asked, answer };
}

const shown = ({ data, status, isFetching }: ServerQueryResult<{ city: string }>) =>
  `${status}${isFetching ? '…' : ''}:${data?.map(({ city }) => city).join(',') ?? ''} `;

function Stops() {
  return <p>{shown(hooks.useServerQuery((db) => db.select().from(stops)))}</p>;
}

describe('useServerQuery', () => {
  it('[RD-56] asks on mount, once for several components, and shows what a server found', async () => {
    const { text, asked, answer, engine } = await render(
      <>
        <Stops />
        <Stops />
      </>,
      { strict: true },
    );
    await text('pending…: pending…: ');
    await asked(1);
    answer('Kyoto');
    await text('current:Kyoto current:Kyoto ');
    expect(engine.reads.length).toBe(1);
  });

  it('[RD-56] begins anew where the query changes, by what it is built of or by its arguments', async () => {
    let go: (city: string) => void = () => undefined;
    let renders = 0;
    function Both() {
      const [city, setCity] = useState('Kyoto');
      go = setCity;
      renders += 1;
      const built = hooks.useServerQuery((db) => db.select().from(stops).where(eq(stops.city, city)), { deps: [city] });
      const named = hooks.useServerQuery('inCity', city);
      return <p>{shown(built) + shown(named)}</p>;
    }
    const { text, asked, engine } = await render(<Both />);
    await asked(2);
    for (const { resolve } of engine.reads) resolve(serverRows(['id', 'city'], [['1', 'Kyoto']]));
    await text('current:Kyoto current:Kyoto ');
    const before = renders;
    go('Nara');
    await asked(4);
    await text('pending…: pending…: ');
    expect(engine.reads.map(({ read: { ask } }) => ('sql' in ask ? ask.params : ask.args))).toEqual([['Kyoto'], 'Kyoto', ['Nara'], 'Nara']);
    // An answer of the query before is nobody's.
    engine.reads[2]?.resolve(serverRows(['id', 'city'], [['1', 'Nara']]));
    engine.reads[3]?.reject(new AlcoveError('rule_failed', 'no'));
    await text('current:Nara error: ');
    expect(renders - before).toBeLessThan(8);
  });

  it('[RD-57] follows the room, and takes other options as they are in each render', async () => {
    let set: (enabled: boolean) => void = () => undefined;
    function Live() {
      const [enabled, setEnabled] = useState(false);
      set = setEnabled;
      return (
        <p>{shown(hooks.useServerQuery(sql<{ city: string }>`select city from stops`, { live: { debounceMs: 10 }, enabled, deps: [] }))}</p>
      );
    }
    const { text, asked, engine } = await render(<Live />);
    await text('pending: ');
    expect(engine.reads).toEqual([]);
    set(true);
    await asked(1);
    engine.reads[0]?.resolve(serverRows(['city'], [['Kyoto']]));
    await text('current:Kyoto ');
    engine.live({ version: 2, headVersion: 2 });
    await asked(2);
    engine.reads[1]?.resolve(serverRows(['city'], [['Nara']], 2));
    await text('current:Nara ');
  });

  it('[RD-59] hidden in an Activity and shown again, it shows its rows at once', async () => {
    let show: (shown: boolean) => void = () => undefined;
    function Tabs() {
      const [isShown, setShown] = useState(true);
      show = setShown;
      return (
        <>
          <i>{isShown ? 'shown ' : 'hidden '}</i>
          <Activity mode={isShown ? 'visible' : 'hidden'}>
            <Stops />
          </Activity>
        </>
      );
    }
    const { text, asked, answer, engine } = await render(<Tabs />, { strict: true });
    await asked(1);
    answer('Kyoto');
    await text('shown current:Kyoto ');
    show(false);
    await text('hidden current:Kyoto ');
    show(true);
    await text('shown current:Kyoto ');
    expect(engine.reads.length).toBe(1);
  });

  it('[RD-58] refresh asks again, the rows stay', async () => {
    let refresh: () => Promise<void> = () => Promise.resolve();
    function Refreshed() {
      const result = hooks.useServerQuery((db) => db.select().from(stops));
      ({ refresh } = result);
      return <p>{shown(result)}</p>;
    }
    const { text, asked, answer } = await render(<Refreshed />);
    await asked(1);
    answer('Kyoto');
    await text('current:Kyoto ');
    const done = refresh();
    await text('current…:Kyoto ');
    answer('Kyoto', 'Nara');
    await done;
    await text('current:Kyoto,Nara ');
  });
});

it('[RD-51] is typed by the definition', () => {
  const { useServerQuery } = hooks;
  type Stop = typeof stops.$inferSelect;
  const named = () => useServerQuery('inCity', 'Kyoto', { refreshMs: 1_000 });
  expectTypeOf(named).returns.toEqualTypeOf<ServerQueryResult<Stop>>();
  const built = () => useServerQuery((db) => db.select({ id: stops.id }).from(stops), { live: true });
  expectTypeOf(built).returns.toEqualTypeOf<ServerQueryResult<{ id: string }>>();
  // @ts-expect-error no such query
  expectTypeOf(() => useServerQuery('inTown', 'Kyoto')).returns.not.toBeAny();
  // @ts-expect-error its argument is a text
  expectTypeOf(() => useServerQuery('inCity', 7)).returns.not.toBeAny();
});
