import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { TickTimer } from './tick-timer.ts';

const timed = (again?: number) => {
  const runtime = new FakeRuntime();
  const ticks: number[] = [];
  const timer: TickTimer = new TickTimer(runtime, () => {
    ticks.push(runtime.monotonicMs());
    if (again !== undefined && ticks.length === 1) timer.request(again);
  });
  return { runtime, ticks, timer };
};

it('goes off once, at the earliest time that was asked for', () => {
  const { runtime, ticks, timer } = timed();
  for (const atMs of [50, 20, 80]) timer.request(atMs);
  runtime.advance(100);
  expect(ticks).toEqual([20]);
});

it('takes a later time once it went off, also from the tick itself', () => {
  const { runtime, ticks, timer } = timed(70);
  timer.request(20);
  runtime.advance(100);
  expect(ticks).toEqual([20, 70]);
});

it('goes off at once where the time is over', () => {
  const { runtime, ticks, timer } = timed();
  runtime.advance(40);
  timer.request(10);
  runtime.advance(0);
  expect(ticks).toEqual([40]);
});

it('does not go off after cancel, and takes times again', () => {
  const { runtime, ticks, timer } = timed();
  timer.request(20);
  timer.cancel();
  runtime.advance(30);
  timer.request(60);
  runtime.advance(30);
  expect(ticks).toEqual([60]);
});
