import { defineRoom, mutator, value } from '@alcove/core';
import { sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Activity, Component, type ReactNode, StrictMode, Suspense, useState } from 'react';
import { createRoot } from 'react-dom/client';
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ScriptedEngine } from '../../../test/fake/scripted-engine.ts';
import { createRoomHooks } from './create-room-hooks.ts';
import { eventually } from '../../../test/fake/eventually.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull() });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: { add: mutator(v.object({ id: v.string(), city: v.string() }), (tx, stop) => tx.insert(stops).values(stop).run()) },
  presence: v.object({ name: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
  values: { budget: value(v.number()) },
  ephemeral: { typing: v.boolean() },
});
const hooks = createRoomHooks(trip);

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function render(children: ReactNode, { strict = false } = {}) {
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
  ends.push(() => {
    root.unmount();
    client.close();
    element.remove();
  });
  const text = (expected: string) => eventually(() => expect(element.textContent).toBe(expected));
  return { engine, client, element, root, text };
}

const whole = (...rows: [string, string][]) => ({ update: { kind: 'whole' as const, columns: ['id', 'city'], rows } });

function Stops() {
  const { data, status } = hooks.useQuery((db) => db.select().from(stops));
  return (
    <p>
      {status}:{data?.map(({ city }) => city).join(',')}
    </p>
  );
}

describe('useQuery', () => {
  it('[WK-13] goes from pending over cached to current', async () => {
    const { engine, text } = render(<Stops />);
    await text('pending:');
    engine.answer('stops', { status: 'cached', ...whole(['1', 'Kyoto']) });
    await text('cached:Kyoto');
    engine.answer('stops', { status: 'current', revision: 1 });
    await text('current:Kyoto');
  });

  it('[QR-15] shows an error where no rows can come, and the rows when they can', async () => {
    const { engine, text } = render(<Stops />);
    await text('pending:');
    const error = { code: 'room_outdated' as const, message: 'the server is older' };
    engine.live({ connection: 'waiting', replica: 'pending', historyId: null, version: null, error });
    await text('error:');
    engine.live({ connection: 'connecting', replica: 'pending', historyId: null, version: null, error });
    engine.live();
    await text('pending:');
    engine.answer('stops', { ...whole(['1', 'Kyoto']) });
    await text('current:Kyoto');
  });

  it('[WK-14] watches once under StrictMode and opens the room once', async () => {
    const { engine, text } = render(<Stops />, { strict: true });
    await text('pending:');
    expect(engine.ordered('watch')).toHaveLength(1);
    expect(engine.requests).toHaveLength(1);
    expect(engine.ordered('leave')).toHaveLength(0);
  });

  it('[WK-14] stays warm in a hidden Activity and shows the newest rows when it is shown again', async () => {
    let show: (mode: 'visible' | 'hidden') => void = () => undefined;
    function Page() {
      const [mode, setMode] = useState<'visible' | 'hidden'>('visible');
      show = setMode;
      return (
        <Activity mode={mode}>
          <Stops />
        </Activity>
      );
    }
    const { engine, element, text } = render(<Page />);
    await text('pending:');
    engine.answer('stops', whole(['1', 'Kyoto']));
    await text('current:Kyoto');
    show('hidden');
    await eventually(() => expect(element.querySelector('p')?.style.display).toBe('none'));
    engine.answer('stops', { ...whole(['1', 'Nara']), revision: 2 });
    show('visible');
    await text('current:Nara');
    expect(engine.ordered('watch')).toHaveLength(1);
  });

  it('[WK-11] follows its parameters without deps, and only its deps with them', async () => {
    let setCity: (city: string) => void = () => undefined;
    function Page() {
      const [city, set] = useState('Kyoto');
      setCity = set;
      const free = hooks.useQuery(sql`select ${city} as free`);
      const fixed = hooks.useQuery(sql`select ${city} as fixed`, []);
      return <p>{`${free.status} ${fixed.status} ${city}`}</p>;
    }
    const { engine, text } = render(<Page />);
    await text('pending pending Kyoto');
    setCity('Nara');
    await text('pending pending Nara');
    const params = engine.ordered('watch').map((order) => (order.type === 'watch' ? [order.query.sql, order.query.params] : []));
    expect(params).toEqual([
      ['select ? as free', ['Kyoto']],
      ['select ? as fixed', ['Kyoto']],
      ['select ? as free', ['Nara']],
    ]);
  });
});

class Boundary extends Component<{ children: ReactNode }, { code: string | null }> {
  override state = { code: null };

  static getDerivedStateFromError(error: { code?: string }) {
    return { code: error.code ?? 'none' };
  }

  override render() {
    return this.state.code === null ? this.props.children : <p>failed:{this.state.code}</p>;
  }
}

describe('useSuspenseQuery', () => {
  function Cities() {
    const rows = hooks.useSuspenseQuery((db) => db.select({ city: stops.city }).from(stops));
    return <p>{rows.map(({ city }) => city).join(',')}</p>;
  }
  const tree = (
    <Boundary>
      <Suspense fallback={<p>waiting</p>}>
        <Cities />
      </Suspense>
    </Boundary>
  );

  it('[WK-15] suspends until there are rows and renders later changes without suspending', async () => {
    const { engine, text } = render(tree);
    await text('waiting');
    engine.answer('stops', { update: { kind: 'whole', columns: ['city'], rows: [['Kyoto']] } });
    await text('Kyoto');
    engine.answer('stops', { revision: 2, update: { kind: 'patch', parts: [{ from: 0, count: 1 }, { rows: [['Nara']] }] } });
    await text('Kyoto,Nara');
  });

  it('[WK-15] throws the error of the query to the boundary', async () => {
    const { engine, text } = render(tree);
    await text('waiting');
    const spy = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    engine.answer('stops', { status: 'error', error: { code: 'query_timeout', message: 'too long' } });
    await text('failed:query_timeout');
    spy.mockRestore();
  });
});

describe('the other hooks', () => {
  it('renders presence, others, a value, typing and the status, and hands out stable functions', async () => {
    const seen = new Set<unknown>();
    function Everything() {
      const [me, setMe] = hooks.usePresence();
      const names = hooks.useOthers((others) => others.map(({ state }) => state.name));
      const [budget, setBudget, { pending }] = hooks.useDebouncedValue('budget');
      const [, setTyping, typing] = hooks.useEphemeral('typing', 'note1');
      const { state } = hooks.useConnection();
      const { rejected, version } = hooks.useSyncStatus();
      const { others: cursors } = hooks.useCursors();
      for (const fn of [setMe, setBudget, setTyping, hooks.useMutator('add')]) seen.add(fn);
      return (
        <p>{[me?.name, names.join('+'), budget, pending, typing.length, state, version, rejected.length, cursors.length].join(' ')}</p>
      );
    }
    const { engine, client, text } = render(<Everything />);
    await text('   false 0 idle  0 0');
    engine.live({ version: 4 });
    await text('   false 0 connected 4 0 0');
    client.prepare(trip, 'japan').presence.set({ name: 'Ada' });
    engine.say(
      { type: 'presence', reset: true, entries: [{ sessionId: 'a', userId: null, state: { name: 'Bo' } }] },
      { type: 'cursors', reset: false, entries: [{ sessionId: 'a', userId: null, state: { x: 1, y: 2 } }] },
      { type: 'value', name: 'budget', key: '', value: 70, pending: false, updatedBy: null, change: 0 },
      { type: 'ephemeral', reset: false, entries: [{ sessionId: 'a', userId: null, name: 'typing', key: 'note1', state: true }] },
    );
    await text('Ada Bo 70 false 1 connected 4 0 1');
    engine.say({ type: 'presence', reset: false, entries: [{ sessionId: 'a', userId: null, state: null }] });
    await text('Ada  70 false 1 connected 4 0 1');
    expect(seen.size).toBe(4);
  });

  it('[WK-43] lists what is pending, applied and rejected, each line with its attempts and reason', async () => {
    let dismiss: (key: number) => void = () => undefined;
    function Lists() {
      const status = hooks.useSyncStatus();
      dismiss = status.dismiss;
      const lineOf = ({ name, attempts, error }: (typeof status.pending)[number]) => `${name} ${attempts} ${error?.code ?? 'ok'}`;
      return <p>{[status.pending, status.applied, status.rejected].map((lines) => lines.map(lineOf).join('+')).join(' | ')}</p>;
    }
    const { engine, client, text } = render(<Lists />);
    await text(' |  | ');
    const room = client.prepare(trip, 'japan');
    const calls = [room.mutate.add({ id: 'a', city: 'Ulm' }), room.mutate.add({ id: 'b', city: 'Bonn' })];
    await Promise.all(calls.map(({ local }) => local));
    const { clientId } = room;
    engine.say({ type: 'attempted', clientId, from: 2, upTo: 2, error: { code: 'room_full', message: 'no space' } });
    await text('add 0 ok+add 1 room_full |  | ');
    engine.say(
      { type: 'settled', clientId, mutationId: 1, outcome: 'rejected', version: 5, error: { code: 'forbidden', message: 'no' } },
      { type: 'settled', clientId, mutationId: 2, outcome: 'applied', version: 5, error: null },
    );
    await text(' | add 1 ok | add 0 forbidden');
    dismiss(room.rejected.getSnapshot()[0]?.key ?? 0);
    await text(' | add 1 ok | ');
  });

  it('[TB-13] lists what other tabs have pending beside it, with their number', async () => {
    function Elsewhere() {
      const { pendingCount, pendingElsewhereCount, pendingElsewhere } = hooks.useSyncStatus();
      return <p>{`${pendingCount} ${pendingElsewhereCount} ${pendingElsewhere.map(({ name }) => name).join('+')}`}</p>;
    }
    const { engine, text } = render(<Elsewhere />);
    await text('0 0 ');
    engine.live();
    const of = (mutationId: number) => ({ clientId: 'sibling', mutationId, name: `add${mutationId}`, args: null, seed: '', nowMs: 0 });
    engine.say({ type: 'elsewhere', count: 120, oldest: [of(1), of(2)] });
    await text('0 120 add1+add2');
    engine.say({ type: 'elsewhere', count: 0, oldest: [] });
    await text('0 0 ');
  });

  it('renders again only when what the selector picked has changed', async () => {
    let renders = 0;
    function Count() {
      renders += 1;
      return <p>{hooks.useOthers((others) => others.length)}</p>;
    }
    const { engine, text } = render(<Count />);
    await text('0');
    engine.say({ type: 'presence', reset: true, entries: [{ sessionId: 'a', userId: null, state: { name: 'Bo' } }] });
    await text('1');
    const before = renders;
    engine.say({ type: 'presence', reset: false, entries: [{ sessionId: 'a', userId: null, state: { name: 'Bea' } }] });
    engine.live();
    await text('1');
    expect(renders).toBe(before);
  });

  it('shows an own value at once, and takes back nothing while the room agrees', async () => {
    let set: (amount: number) => void = () => undefined;
    function Budget() {
      const [budget, setBudget, { pending }] = hooks.useDebouncedValue('budget');
      set = setBudget;
      return <p>{`${budget} ${pending}`}</p>;
    }
    const { engine, text } = render(<Budget />);
    await text('undefined false');
    set(5);
    await text('5 true');
    expect(engine.ordered('setValue')).toMatchObject([{ name: 'budget', key: '', value: 5 }]);
    engine.say({ type: 'value', name: 'budget', key: '', value: 9, pending: false, updatedBy: 'bea', change: 0 });
    engine.say({ type: 'value', name: 'budget', key: '', value: 5, pending: false, updatedBy: 'me', change: 1 });
    await text('5 false');
  });

  it('says where a hook without its provider belongs', async () => {
    const element = document.body.appendChild(document.createElement('div'));
    const root = createRoot(element);
    ends.push(() => {
      root.unmount();
      element.remove();
    });
    const spy = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    root.render(
      <Boundary>
        <Stops />
      </Boundary>,
    );
    await eventually(() => expect(element.textContent).toBe('failed:option_invalid'));
    spy.mockRestore();
  });
});
