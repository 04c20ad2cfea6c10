import { expect, test } from 'vitest';
import { WorkMeter } from './work-meter.ts';

test('[HO-43] counts for the process what its rooms do, those that are gone too', () => {
  const server = new WorkMeter();
  const [one, two] = [new WorkMeter(server), new WorkMeter(server)];
  one.did('commits');
  one.did('mutations', 3);
  two.did('commits', 2);
  expect(one.counts()).toEqual({
    commits: 1,
    mutations: 3,
    stateSets: 0,
    stateEvictions: 0,
    stateExpiries: 0,
    valueUpdates: 0,
    valueWrites: 0,
  });
  expect(server.counts()).toMatchObject({ commits: 3, mutations: 3 });
});
