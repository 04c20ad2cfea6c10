import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { LinkLag } from './link-lag.ts';

const started = (): { runtime: FakeRuntime; lag: LinkLag } => {
  const runtime = new FakeRuntime();
  return { runtime, lag: new LinkLag(runtime) };
};

it('is behind since it was started until it was level once', () => {
  const { runtime, lag } = started();
  runtime.advance(700);
  expect(lag.of(0, true)).toEqual({ versions: 0, ms: 700 });
  lag.welcomed(5);
  expect(lag.of(2, true)).toEqual({ versions: 3, ms: 700 });
  expect(lag.hasBeenLevel).toBe(false);
});

it('is not behind while it follows and holds what the primary is known to have', () => {
  const { runtime, lag } = started();
  lag.welcomed(5);
  expect(lag.reached(4)).toBe(false);
  expect(lag.reached(5)).toBe(true);
  runtime.advance(900);
  expect(lag.of(5, true)).toEqual({ versions: 0, ms: 0 });
});

it('[FO-7] may be behind since it was level, where nobody tells it what the primary does', () => {
  const { runtime, lag } = started();
  lag.welcomed(5);
  lag.reached(5);
  runtime.advance(900);
  expect(lag.of(5, false)).toEqual({ versions: 0, ms: 900 });
  lag.primaryAt(7);
  lag.primaryAt(6); // said before, and here later
  expect(lag.of(5, true)).toEqual({ versions: 2, ms: 900 });
});

it('counts from the start again once its copy was given up, and takes a history with lower versions as it is', () => {
  const { runtime, lag } = started();
  lag.welcomed(5);
  lag.reached(5);
  runtime.advance(50);
  lag.lost();
  expect(lag.hasBeenLevel).toBe(false);
  expect(lag.of(0, true)).toEqual({ versions: 5, ms: 50 });
  lag.welcomed(2);
  expect(lag.reached(2)).toBe(true);
});
