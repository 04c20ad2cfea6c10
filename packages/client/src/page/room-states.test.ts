import { silentLogger } from '@alcove/core/runtime/logger';
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
