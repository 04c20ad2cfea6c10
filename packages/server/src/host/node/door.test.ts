import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { LimitMeter } from '../../limits/limit-meter.ts';
import { Door } from './door.ts';

const doorTo = (connections: number, arrivals: number) => {
  const meter = new LimitMeter(new Set(['connectionsMax', 'connectionsUnwelcomedMax']));
  const limits = { connectionsMax: 10, connectionsUnwelcomedMax: 3 };
  const door = new Door({ host: 'server', limits, runtime: new FakeRuntime(), meter, sockets: () => ({ connections, arrivals }) });
  return { door, meter };
};

it('lets in below both bounds', () => {
  const { door, meter } = doorTo(9, 2);
  expect(door.refusal()).toBeNull();
  expect(meter.counts()).toEqual({});
});

it.each([
  [10, 0, 'connectionsMax'],
  [9, 3, 'connectionsUnwelcomedMax'],
  [10, 3, 'connectionsMax'],
])('turns away at %i sockets, %i of them in no room, and counts that as %s', (connections, arrivals, limit) => {
  const { door, meter } = doorTo(connections, arrivals);
  expect(door.refusal()).toMatchObject({ code: 'overloaded', limit, retryAfterMs: 2_000 });
  expect(meter.counts()).toEqual({ [limit]: 1 });
});

it('turns everybody away once it is closed, and not all to the same moment', () => {
  const { door } = doorTo(0, 0);
  door.close();
  const waits = [1, 2, 3].map(() => {
    const error = door.refusal();
    expect(error).toMatchObject({ code: 'draining', message: 'the server is stopping' });
    return error?.retryAfterMs ?? 0;
  });
  expect(new Set(waits).size).toBe(3);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000);
});
