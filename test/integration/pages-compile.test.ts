import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compilerComplaints, samplesOf } from './page-samples.ts';

/** One compiler for all pages, on a machine that is busy with the other tests. */
const COMPILE_MS = 240_000;
const pages = ['README.md', 'docs/GUIDE.md', ...readdirSync('docs/guides').map((name) => `docs/guides/${name}`)];
const withCode = pages.filter((path) => samplesOf(path).files.size > 0);

it(
  '[FO-6][MI-1][RD-85][RD-90] the code of every page compiles',
  async () => {
    expect(withCode.length).toBeGreaterThan(6);
    for (const path of ['docs/guides/postgres.md', 'docs/guides/read-routing.md']) expect(samplesOf(path).strays, path).toEqual([]);
    expect(await compilerComplaints(withCode)).toBe('');
  },
  COMPILE_MS,
);
