import { AlcoveError } from '@alcove/core/error';
import { expect, it } from 'vitest';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { tellThrown } from './perform-order.ts';

function told(error: AlcoveError): readonly string[] {
  const log = new CollectingLogger();
  tellThrown(error, { name: 'addStop' }, log);
  return log.errors.map(({ message }) => message);
}

it('[WK-54] what a mutator threw by mistake is printed with its stack, a refusal is not', () => {
  const mistake = new TypeError('cities is not a function');
  const lines = told(new AlcoveError('mutator_failed', 'addStop threw: cities is not a function', { cause: mistake }));
  expect(lines).toEqual([
    expect.stringMatching(/^the mutator addStop threw: TypeError: cities is not a function\n[^]*perform-order\.test\.ts/),
  ]);
  const refusal = new AlcoveError('forbidden', 'not you');
  expect(told(refusal)).toEqual([]);
  expect(told(new AlcoveError('mutator_failed', 'addStop threw: not you', { cause: refusal }))).toEqual([]);
  expect(told(new AlcoveError('constraint_failed', 'UNIQUE', { cause: mistake }))).toEqual([]);
});
