import { assert } from '@alcove/core/error';
import { fc } from '../fake/properties.ts';
import type { Draw } from './arbitrary-schema.ts';

/** One of things that change. By its place: fast-check goes on with what it made of equal arguments, and may give one of an earlier run. */
export function drawnFrom<Value>(draw: Draw, values: readonly Value[]): Value {
  const value = values[draw(fc.nat, { max: values.length - 1 })];
  assert(value !== undefined, 'nothing to draw from');
  return value;
}
