import { expect, it } from 'vitest';
import { PendingElsewhere } from './pending-elsewhere.ts';

const mutation = (clientId: string, mutationId: number) => ({
  clientId,
  mutationId,
  name: 'addStop',
  args: { id: 'x' },
  seed: '',
  nowMs: 7,
});

it('[TB-13] a line of another tab keeps its key while it is listed, one that no line of the page itself has', () => {
  const elsewhere = new PendingElsewhere();
  const keys = (): number[] => elsewhere.list.getSnapshot().map(({ key }) => key);
  elsewhere.hear({ type: 'elsewhere', count: 2, oldest: [mutation('b', 1), mutation('c', 1)] });
  expect(elsewhere.list.getSnapshot()[0]).toEqual({
    key: -1,
    name: 'addStop',
    args: { id: 'x' },
    status: 'pending',
    calledAtMs: 7,
    decidedAtMs: null,
    attempts: 0,
    error: null,
  });
  elsewhere.hear({ type: 'elsewhere', count: 300, oldest: [mutation('c', 1), mutation('c', 2)] });
  expect([elsewhere.count, keys()]).toEqual([300, [-2, -3]]);
  elsewhere.hear({ type: 'elsewhere', count: 1, oldest: [mutation('b', 1)] });
  expect(keys()).toEqual([-4]);
  elsewhere.clear();
  expect([elsewhere.count, keys()]).toEqual([0, []]);
});
