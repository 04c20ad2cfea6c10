import { vi } from 'vitest';

/** Looks until `check` passes. The time is for a machine that has other things to do; whoever waits for it in full has failed. */
export const eventually = <Result>(check: () => Result | Promise<Result>): Promise<Result> =>
  vi.waitFor(check, { timeout: 20_000, interval: 20 });
