import { expect, it } from 'vitest';
import { kindOf, refuseUnknownKeys } from './unknown-keys.ts';

const known = { port: true, host: true, dataDir: true, url: true, workerBudgetMs: true } as const;

it.each([
  ['prot', 'did you mean port?'],
  ['prt', 'did you mean port?'],
  ['ports', 'did you mean port?'],
  ['urll', 'did you mean url?'],
  ['datadir', 'did you mean dataDir?'],
  ['workerBugdetMs', 'did you mean workerBudgetMs?'],
  ['most', 'did you mean host?'],
  ['cors', 'it takes port, host, dataDir, url, workerBudgetMs'],
  ['', 'it takes port, host, dataDir, url, workerBudgetMs'],
  ['x'.repeat(1_000), 'it takes port, host, dataDir, url, workerBudgetMs'],
])('[HO-26] of the unknown option %j: %s', (key, advice) => {
  const message = `make takes no ${JSON.stringify(key.slice(0, 64))}: ${advice}`;
  const refuse = (value: unknown) => () => refuseUnknownKeys('option_invalid', 'make', { port: 1, [key]: value }, known);
  for (const value of [1, undefined]) expect(refuse(value)).toThrow(expect.objectContaining({ code: 'option_invalid', message }));
});

it('[HO-26] takes options that are known, undefined or missing, and refuses what has none', () => {
  expect(() => refuseUnknownKeys('option_invalid', 'make', { port: 1, url: undefined }, known)).not.toThrow();
  expect(() => refuseUnknownKeys('option_invalid', 'make', {}, known)).not.toThrow();
  for (const nothing of [undefined, null, 'port', [], () => ({})])
    expect(() => refuseUnknownKeys('option_invalid', 'make', nothing, known)).toThrow(
      `make takes an object of options, and got ${kindOf(nothing)}`,
    );
});
