import { silentLogger } from '@alcove/core/runtime/logger';
import { defineRoom } from '@alcove/core/schema/define-room';
import { value } from '@alcove/core/schema/values';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import type { EngineOrder } from '../worker/engine-port.ts';
import { RoomStates } from './room-states.ts';

it('[EP-21] what was refused under one key is taken back there and nowhere else', () => {
  const orders: EngineOrder[] = [];
  const states = new RoomStates(tasksRoom, new FakeRuntime({ log: silentLogger }), (order) => orders.push(order) > 0);
  const [bright, dark] = [states.value('zoom', 'bright'), states.value('zoom', 'dark')];
  const [here, there] = [states.ephemeral('typing', 'here'), states.ephemeral('typing', 'there')];
  bright.set(1);
  dark.set(2);
  here.set(true);
  there.set(true);
  const error = { code: 'forbidden' as const, message: 'no' };
  states.hear({ type: 'stateRefused', what: 'value', name: 'zoom', key: 'dark', error }, 'c');
  states.hear({ type: 'stateRefused', what: 'ephemeral', name: 'typing', key: 'here', error }, 'c');
  expect([bright.getSnapshot(), dark.getSnapshot()]).toMatchObject([
    { value: 1, pending: true, error: undefined },
    { value: 2, pending: false, error: { code: 'forbidden' } },
  ]);
  expect([here.mine.getSnapshot(), there.mine.getSnapshot()]).toEqual([null, true]);
  // The next engine is told of what was not refused.
  orders.length = 0;
  states.attach();
  expect(orders.filter(({ type }) => type === 'setValue' || type === 'ephemeral')).toMatchObject([
    { type: 'ephemeral', key: 'there' },
    { type: 'setValue', key: 'bright' },
  ]);
});

it('[EP-27] names and keys that read alike when they are put together are values and states of their own', () => {
  const schema = v.string();
  const room = defineRoom({
    name: 'board',
    schema: {},
    values: { list: value(schema), 'list:title': value(schema) },
    ephemeral: { list: schema, 'list:title': schema },
  });
  const orders: EngineOrder[] = [];
  const states = new RoomStates(room, new FakeRuntime({ log: silentLogger }), (order) => orders.push(order) > 0);
  states.value('list', 'title:1').set('of the list');
  states.value('list:title', '1').set('of the title');
  expect(orders.filter(({ type }) => type === 'setValue')).toMatchObject([
    { name: 'list', key: 'title:1', value: 'of the list' },
    { name: 'list:title', key: '1', value: 'of the title' },
  ]);
  const [list, title] = [states.ephemeral('list', 'title:1'), states.ephemeral('list:title', '1')];
  list.set('here');
  title.set('there');
  // Refused under every key of that name, and under no other name.
  states.hear({ type: 'stateRefused', what: 'ephemeral', name: 'list', key: null, error: { code: 'forbidden', message: 'no' } }, 'c');
  expect([list.mine.getSnapshot(), title.mine.getSnapshot()]).toEqual([null, 'there']);
});
