import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AlcoveError } from '../error.ts';
import { kindOf, type KeysOf, refuseUnknownKeys } from '../unknown-keys.ts';
import { isSchema } from './define-mutator.ts';

/** Once a second is what a person notices as "at once" in somebody else's window and what a disk does not notice. */
export const VALUE_INTERVAL_DEFAULT_MS = 1_000;
export const VALUE_INTERVAL_MIN_MS = 50;
export const VALUE_INTERVAL_MAX_MS = 3_600_000;

export interface ValueOptions {
  /** The value is written at most once in this time, and at the latest this long after the first unwritten change. Default 1,000 ms. */
  readonly intervalMs?: number;
}

const VALUE_OPTIONS: KeysOf<ValueOptions> = { intervalMs: true };

/** A debounced value: visible to everybody at once, last value wins, written at most once an interval. */
export interface ValueDefinition<Input = unknown, Output = Input> {
  readonly kind: 'value';
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly intervalMs: number;
}

/** A debounced number that adds up: what several people add at once all counts. */
export interface CounterDefinition {
  readonly kind: 'counter';
  readonly intervalMs: number;
}

/**
 * Declares a debounced value of a room.
 * @throws AlcoveError `schema_invalid` for an interval out of range, and for an option that there is not.
 */
export function value<Schema extends StandardSchemaV1>(
  schema: Schema,
  options: ValueOptions = {},
): ValueDefinition<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  if (!isSchema(schema)) throw new AlcoveError('schema_invalid', `value takes a Standard Schema, and got ${kindOf(schema)}`);
  // The schema's input and output types are exactly what its own generic says; the plain interface is all that is needed of it.
  const typed = schema as StandardSchemaV1<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>>;
  return Object.freeze({ kind: 'value', schema: typed, intervalMs: intervalOf('value', options) });
}

/**
 * Declares a debounced counter of a room.
 * @throws AlcoveError `schema_invalid` for an interval out of range, and for an option that there is not.
 */
export function counter(options: ValueOptions = {}): CounterDefinition {
  return Object.freeze({ kind: 'counter', intervalMs: intervalOf('counter', options) });
}

function intervalOf(maker: string, options: ValueOptions): number {
  refuseUnknownKeys('schema_invalid', maker, options, VALUE_OPTIONS);
  const { intervalMs = VALUE_INTERVAL_DEFAULT_MS } = options;
  if (!Number.isSafeInteger(intervalMs) || intervalMs < VALUE_INTERVAL_MIN_MS || intervalMs > VALUE_INTERVAL_MAX_MS) {
    throw new AlcoveError(
      'schema_invalid',
      `intervalMs is ${intervalMs}; it must be a whole number from ${VALUE_INTERVAL_MIN_MS} to ${VALUE_INTERVAL_MAX_MS}`,
    );
  }
  return intervalMs;
}
