import { expect, it } from 'vitest';
import { reloadOnce, type ReloadPage } from './reload-once.ts';

function page(marks = new Map<string, string>()): ReloadPage & { readonly reloads: number } {
  let reloads = 0;
  return {
    marks: { getItem: (key) => marks.get(key) ?? null, setItem: (key, value) => void marks.set(key, value) },
    reload: () => void (reloads += 1),
    get reloads() {
      return reloads;
    },
  };
}

it('[WK-31] a page that meets a worker of another build is loaded again once for each build', () => {
  const one = page();
  reloadOnce(one, 'a');
  reloadOnce(one, 'a');
  expect(one.reloads).toBe(1);
  reloadOnce(one, 'b');
  expect(one.reloads).toBe(2);
});

it('[WK-31] the app may do it later, or never', () => {
  const one = page();
  const asked: (() => void)[] = [];
  reloadOnce(one, 'a', (reload) => void asked.push(reload));
  reloadOnce(one, 'a', (reload) => void asked.push(reload));
  expect([one.reloads, asked.length]).toEqual([0, 1]);
  asked[0]?.();
  expect(one.reloads).toBe(1);
});

it('[WK-31] where no mark can be left nothing is loaded again: it would not end', () => {
  const deaf = { ...page(), marks: { getItem: () => null, setItem: () => undefined } };
  let reloads = 0;
  const refusing: ReloadPage = {
    marks: {
      getItem: () => {
        throw new TypeError('denied');
      },
      setItem: () => undefined,
    },
    reload: () => void (reloads += 1),
  };
  for (const one of [{ ...deaf, reload: refusing.reload }, refusing]) reloadOnce(one, 'a');
  expect(reloads).toBe(0);
});

it('[WK-31] a page with several rooms of another build is not loaded again for ever', () => {
  const one = page();
  // What a stale cache serves is the same page each time; each of its rooms is told.
  for (let load = 0; load < 5; load += 1) for (const build of ['trip 1', 'board 1']) reloadOnce(one, build);
  expect(one.reloads).toBe(2);
});
