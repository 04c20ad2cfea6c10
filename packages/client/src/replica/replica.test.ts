import type { ChangeSet } from '@alcove/core/change/change-set';
import type { Json } from '@alcove/core/json';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { mint, openReplica, PlainRoom, rowsOf, sorted, Tab } from '../../../../test/fake/replica-tab.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';

const { model } = tasksRoom;

const list = fc.constantFrom('l1', 'l2', 'l3');
const task = fc.constantFrom('t1', 't2', 't3', 't4');
const small = fc.integer({ min: 0, max: 3 });
const call: fc.Arbitrary<{ name: string; args: Json }> = fc.oneof(
  fc.record({ name: fc.constant('addList'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n2', 'n3') }) }),
  fc.record({ name: fc.constant('renameList'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n2', 'n3') }) }),
  fc.record({ name: fc.constant('swapNames'), args: fc.record({ a: list, b: list }) }),
  fc.record({ name: fc.constant('deleteList'), args: fc.record({ id: list }) }),
  fc.record({ name: fc.constant('addTask'), args: fc.record({ id: task, listId: list, title: fc.constantFrom('a', 'b'), rank: small }) }),
  fc.record({ name: fc.constant('setTitle'), args: fc.record({ id: task, title: fc.constantFrom('a', 'b', 'c') }) }),
  fc.record({ name: fc.constant('moveTask'), args: fc.record({ id: task, listId: list, rank: small }) }),
  fc.record({ name: fc.constant('makeRoomAbove'), args: fc.record({ listId: list, rank: small }) }),
  fc.record({ name: fc.constant('tagTask'), args: fc.record({ taskId: task, tag: fc.constantFrom('x', 'y') }) }),
  fc.record({ name: fc.constant('draw'), args: fc.record({ listId: list }) }),
  fc.record({ name: fc.constant('tabOnly'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n4') }) }),
);
/** Of rows that know nothing of each other. */
const step = fc.integer({ min: 1, max: 5 });
const stepCall: fc.Arbitrary<{ name: string; args: Json }> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ name: fc.constant('addStep'), args: fc.record({ id: step, label: fc.constantFrom('a', 'b') }) }) },
  { weight: 5, arbitrary: fc.record({ name: fc.constant('extendLabel'), args: fc.record({ id: step, by: fc.constantFrom('x', 'y') }) }) },
  { weight: 5, arbitrary: fc.record({ name: fc.constant('copyLabel'), args: fc.record({ from: step, to: step }) }) },
  { weight: 5, arbitrary: fc.record({ name: fc.constant('extendNext'), args: fc.record({ id: step, by: fc.constantFrom('x', 'yz') }) }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('dropStep'), args: fc.record({ id: step }) }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('countSteps'), args: fc.record({ id: step }) }) },
);
const client = fc.constantFrom('me', 'me', 'adopted');
const actionWith = (calls: typeof call) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(calls, client).map(([own, clientId]) => ({ do: 'mutate' as const, clientId, ...own })) },
    { weight: 3, arbitrary: calls.map((other) => ({ do: 'other' as const, ...other })) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('own' as const), clientId: client }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  );

const start = (): Tab => {
  const tab = new Tab();
  for (const [name, args] of [
    ['addList', { id: 'l1', name: 'one' }],
    ['addList', { id: 'l2', name: 'two' }],
    ['addTask', { id: 't1', listId: 'l1', title: 'first' }],
    ['addStep', { id: 1, label: 'one' }],
    ['addStep', { id: 2, label: 'two' }],
    ['addStep', { id: 3, label: 'three' }],
  ] as const) {
    tab.mutate(name, args);
    tab.roomTakesOwn();
  }
  tab.tick();
  return tab;
};

describe('a replica against the plain oracle', () => {
  it.each([
    ['rows that refer to each other', call],
    ['rows that stand alone', stepCall],
    ['both', fc.oneof(call, stepCall, stepCall)],
  ])(
    '[RB-1][RB-14] is the confirmed state plus the pending mutations run on it, whatever arrives in whichever order: %s',
    (_rows, calls) => {
      fc.assert(
        fc.property(fc.array(actionWith(calls), { minLength: 3, maxLength: 30 }), (actions) => {
          const tab = start();
          let others = 0;
          for (const step of actions) {
            if (step.do === 'mutate') tab.mutate(step.name, step.args, step.clientId);
            else if (step.do === 'other') tab.room.run(mint('other', (others += 1), step.name, step.args));
            else if (step.do === 'own') tab.roomTakesOwn(step.clientId);
            else tab.tick(tab.replica.position.version + Math.ceil(step.part * (tab.room.version - tab.replica.position.version)));
            tab.check();
          }
          tab.close();
        }),
        { numRuns: 80 },
      );
    },
  );
});

/** Each looks at single rows, and what it does to which depends on what it sees. */
const keyedCall: fc.Arbitrary<{ name: string; args: Json }> = fc.oneof(
  fc.record({ name: fc.constant('extendNext'), args: fc.record({ id: step, by: fc.constantFrom('x', 'yz') }) }),
  fc.record({ name: fc.constant('copyLabel'), args: fc.record({ from: step, to: step }) }),
  fc.record({ name: fc.constant('extendLabel'), args: fc.record({ id: step, by: fc.constantFrom('x', 'yz') }) }),
);

it('[RB-1][RB-14] those that are not run again stand as if they had been, whatever those before them see the next time', () => {
  const round = fc.record({ pending: fc.array(keyedCall, { minLength: 1, maxLength: 6 }), other: keyedCall, settles: fc.boolean() });
  fc.assert(
    fc.property(fc.array(round, { minLength: 1, maxLength: 4 }), (rounds) => {
      const tab = start();
      for (const id of [4, 5, 6, 7]) tab.room.run(mint('other', id, 'addStep', { id, label: 'a'.repeat(id) }));
      tab.tick();
      for (const [index, { pending, other, settles }] of rounds.entries()) {
        for (const { name, args } of pending) tab.mutate(name, args);
        tab.room.run(mint('other', 10 + index, other.name, other.args));
        if (settles) tab.roomTakesOwn();
        tab.tick();
        tab.check();
      }
      tab.close();
    }),
    { numRuns: 120 },
  );
});

describe('rebase', () => {
  it('[RB-2] commits that arrive together run the pending mutations again once, and their changes are told as one', () => {
    let runs = 0;
    const { addList } = tasksRoom.mutators;
    const counted: typeof addList = {
      ...addList,
      body: (tx, args, ctx) => {
        runs += 1;
        return addList.body(tx, args, ctx);
      },
    };
    const replica = openReplica({ ...tasksRoom, mutators: { ...tasksRoom.mutators, addList: counted } });
    const room = new PlainRoom();
    replica.mutate(mint('me', 1, 'addList', { id: 'mine', name: 'mine' }));
    expect(runs).toBe(1);
    for (const [index, id] of ['l1', 'l2', 'l3'].entries()) room.run(mint('other', index + 1, 'addList', { id, name: id }));
    const told = replica.rebase(room.commits, () => false);
    expect(runs).toBe(2);
    expect(told.tables.flatMap(({ rows }) => rows.map(({ before, after }) => [before, after?.[0]]))).toEqual([
      [null, 'l1'],
      [null, 'l2'],
      [null, 'l3'],
    ]);
    replica.close();
    room.database.close();
  });

  it('[RB-14] pending mutations are not run again for rows that none of them looked at', () => {
    let runs = 0;
    const { copyLabel } = tasksRoom.mutators;
    const counted: typeof copyLabel = {
      ...copyLabel,
      body: (tx, args, ctx) => {
        runs += 1;
        return copyLabel.body(tx, args, ctx);
      },
    };
    const replica = openReplica({ ...tasksRoom, mutators: { ...tasksRoom.mutators, copyLabel: counted } });
    const room = new PlainRoom();
    const rebase = (name: string, args: Json): ChangeSet => {
      room.run(mint('other', room.version + 1, name, args));
      return replica.rebase(room.commits.slice(-1), () => false);
    };
    rebase('addStep', { id: 1, label: 'from' });
    rebase('addStep', { id: 2, label: 'to' });
    rebase('addStep', { id: 3, label: 'beside' });
    replica.mutate(mint('me', 1, 'copyLabel', { from: 1, to: 2 }));
    expect(rebase('extendLabel', { id: 3, by: '!' }).tables[0]?.rows).toEqual([
      { before: [3, 't1', 'beside'], after: [3, 't1', 'beside!'] },
    ]);
    rebase('addList', { id: 'l1', name: 'a list' });
    rebase('dropStep', { id: 3 });
    expect(runs).toBe(1);
    expect(rebase('extendLabel', { id: 1, by: '!' }).tables[0]?.rows.map(({ after }) => after)).toEqual([
      [2, 't1', 'from!'],
      [1, 't1', 'from!'],
    ]);
    expect(runs).toBe(2);
    replica.mutate(mint('me', 2, 'countSteps', { id: 2 }));
    replica.mutate(mint('me', 3, 'copyLabel', { from: 5, to: 5 }));
    expect(runs).toBe(3);
    rebase('addStep', { id: 4, label: 'one more' });
    // The one after the count, whose next count may be of anything; not the one before it.
    expect(runs).toBe(4);
    expect(rowsOf(replica.database)['steps']).toContainEqual([2, 't1', 'one of 3']);
    replica.close();
    room.database.close();
  });

  it('[RB-3] what the room does as foreseen changes nothing that is shown', () => {
    const tab = start();
    for (let i = 0; i < 5; i++) tab.mutate('tagTask', { taskId: 't1', tag: 'x' });
    for (let i = 0; i < 3; i++) {
      tab.roomTakesOwn();
      expect(tab.tick()).toEqual({ tables: [] });
      tab.check();
    }
    expect(tab.pending).toHaveLength(2);
  });

  it('[RB-3] equal keys are not enough: the rows count', () => {
    const tab = start();
    tab.mutate('tagTask', { taskId: 't1', tag: 'x' });
    tab.room.run(mint('other', 1, 'tagTask', { taskId: 't1', tag: 'x' }));
    tab.roomTakesOwn();
    expect(tab.tick().tables).toHaveLength(1);
    tab.check();
    expect(rowsOf(tab.replica.database)['tags']).toEqual([['x', 't1', 2]]);
  });

  it('[RB-4] a mutation that throws when it is run again stays pending, and counts again when it can', () => {
    const tab = start();
    tab.mutate('addTask', { id: 't2', listId: 'l2', title: 'second' });
    tab.room.run(mint('other', 1, 'deleteList', { id: 'l2' }));
    tab.tick();
    tab.check();
    expect(tab.pending).toHaveLength(1);
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1']);
    tab.room.run(mint('other', 2, 'addList', { id: 'l2', name: 'again' }));
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1', 't2']);
  });

  it('[RB-5] a rejected mutation undoes itself alone, also under later ones', () => {
    const tab = start();
    tab.mutate('tabOnly', { id: 'l3', name: 'three' });
    tab.mutate('addTask', { id: 't3', listId: 'l1', title: 'third' });
    tab.mutate('addTask', { id: 't4', listId: 'l3', title: 'on the rejected list' });
    tab.roomTakesOwn();
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['lists']?.map(([id]) => id)).toEqual(['l1', 'l2']);
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1', 't3']);
  });

  it('[RB-6] a mutation whose run throws at the call changes nothing and is not shown', () => {
    const tab = start();
    expect(() => tab.replica.mutate(mint('me', 4, 'addTask', { id: 't1', listId: 'l1', title: 'again' }))).toThrowError(
      expect.objectContaining({ code: 'constraint_failed' }),
    );
    expect(() => tab.replica.mutate(mint('me', 4, 'setTitle', { id: 7 }))).toThrowError(
      expect.objectContaining({ code: 'arguments_invalid' }),
    );
    tab.check();
  });

  it('[RB-7] applies no trigger and no foreign-key action: a commit holds their effects, and unique values may swap', () => {
    const tab = start();
    tab.mutate('tagTask', { taskId: 't1', tag: 'mine' });
    tab.room.run(mint('other', 1, 'swapNames', { a: 'l1', b: 'l2' }));
    tab.room.run(mint('other', 2, 'renameList', { id: 'l1', name: 'renamed' }));
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['tags']).toEqual([['mine', 't1', 1]]);
  });

  it('a commit that cannot be applied changes nothing', () => {
    const tab = start();
    tab.mutate('setTitle', { id: 't1', title: 'mine' });
    const before = rowsOf(tab.replica.database);
    const [table] = tab.room.commits.filter((commit) => commit.changes.some(({ table: name }) => name === 'lists'));
    const doubled = structuredClone(table?.changes ?? []).map((changes) => ({
      ...changes,
      puts: changes.puts.map((column, index) => (index === 0 ? ['l9'] : column)),
    }));
    const next: CommitMessage = {
      type: 'commit',
      from: tab.room.version,
      to: tab.room.version + 1,
      schema: model.schemaId,
      changes: doubled,
      hash: '',
      atMs: 0,
    };
    expect(() => tab.replica.rebase([next], () => false)).toThrowError(expect.objectContaining({ code: 'constraint_failed' }));
    expect(rowsOf(tab.replica.database)).toEqual(before);
    tab.mutate('setTitle', { id: 't1', title: 'still works' });
    tab.check();
  });

  it('mutations run again under a new name see it', () => {
    const tab = start();
    tab.mutate('draw', { listId: 'l1' });
    tab.follower.apply(tab.replica.rename((mutation) => ({ ...mutation, clientId: 'renamed', mutationId: 1 })));
    const drawn = rowsOf(tab.replica.database)['tasks']?.find(([, , title]) => title === 'drawn');
    expect(drawn?.at(-1)).toBe('1 renamed');
    expect(tab.follower.rows()).toEqual(sorted(rowsOf(tab.replica.database)));
  });
});
