import { describe, expect, test } from 'vitest';
import { allSkipped, judge, nothing, playwrightTally, sum, summaryLine, vitestTally } from '../../scripts/tally.mjs';

const assertion = (fullName: string, status: string) => ({ fullName, status });

describe('the tally of a test run', () => {
  test('vitest: a file that does not load fails although no test of it did', () => {
    const tally = vitestTally({
      testResults: [
        {
          name: 'a.test.ts',
          status: 'passed',
          assertionResults: [assertion('one', 'passed'), assertion('two', 'pending'), assertion('three', 'todo')],
        },
        { name: 'b.test.ts', status: 'failed', message: 'cannot load\nat b', assertionResults: [] },
        { name: 'c.test.ts', status: 'failed', assertionResults: [assertion('four', 'failed')] },
      ],
    });
    expect(tally).toEqual({ passed: 1, failed: ['b.test.ts: cannot load', 'four'], skipped: ['two', 'three'] });
  });

  test('Playwright: nested suites, skipped tests, flaky ones and errors outside tests', () => {
    const spec = (title: string, status: string) => ({ title, tests: [{ status }] });
    const suites = [
      {
        title: 'a.spec.ts',
        specs: [spec('one', 'expected')],
        suites: [{ title: 'part', specs: [spec('two', 'flaky'), spec('three', 'skipped')] }],
      },
    ];
    expect(playwrightTally({ suites, errors: [{ message: 'no browser\nat x' }] })).toEqual({
      passed: 1,
      failed: ['a.spec.ts › part › two', 'no browser'],
      skipped: ['a.spec.ts › part › three'],
    });
    expect(allSkipped({ suites }, 'no browser').skipped).toHaveLength(3);
  });

  test('a runner that crashed, ran nothing or contradicts itself has failed', () => {
    expect(judge('runner', null, 0).failed).toHaveLength(1);
    expect(judge('runner', nothing, 0).failed).toEqual(['runner: executed no test']);
    expect(judge('runner', { ...nothing, passed: 3 }, 1).failed).toEqual([expect.stringContaining('ended with code 1')]);
    expect(judge('runner', { ...nothing, skipped: ['one'] }, 0).failed).toEqual([]);
    expect(judge('runner', { ...nothing, passed: 3 }, 0)).toEqual({ passed: 3, failed: [], skipped: [] });
  });

  test('the sum is one line', () => {
    const total = sum([
      { passed: 2, failed: ['a'], skipped: [] },
      { passed: 3, failed: [], skipped: ['b', 'c'] },
    ]);
    expect(summaryLine(total)).toBe('5 passed, 1 failed, 2 skipped');
  });
});
