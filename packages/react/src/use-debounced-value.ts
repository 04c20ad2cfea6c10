import type { DebouncedValue, ValueState } from '@alcove/client';
import type { AlcoveError } from '@alcove/core/error';
import { useMemo } from 'react';
import { useReadable } from './use-readable.ts';

export interface DebouncedValueControls {
  /** Writes what is unwritten now. */
  flush(): void;
  /** Counters only. */
  add(delta: number): void;
  readonly pending: boolean;
  readonly updatedBy: string | null;
  readonly error: AlcoveError | undefined;
}

const ON_SERVER: ValueState<never> = { value: undefined, pending: false, updatedBy: null, error: undefined };

/** A value everybody sees at once and the server writes at most once per interval. */
export function useDebouncedValueOf<Value>(
  value: DebouncedValue<Value>,
): [Value | undefined, (next: Value) => void, DebouncedValueControls] {
  const state = useReadable(value, () => ON_SERVER);
  const own = useMemo(
    () => ({ set: (next: Value) => value.set(next), flush: () => value.flush(), add: (delta: number) => value.add(delta) }),
    [value],
  );
  const controls = useMemo(
    () => ({ flush: own.flush, add: own.add, pending: state.pending, updatedBy: state.updatedBy, error: state.error }),
    [own, state],
  );
  return [state.value, own.set, controls];
}
