import type { DebouncedValue, ValueState } from '@alcove/client';
import type { AlcoveError } from '@alcove/core/error';
import { useMemo } from 'react';
import { useReadable } from './use-readable.ts';

/** The third of what `useDebouncedValue` gives. */
export interface DebouncedValueControls {
  /** Writes what is unwritten now. */
  flush(): void;
  /** Counters only. */
  add(delta: number): void;
  /** An own change is not known to be on the server's disk. */
  readonly pending: boolean;
  /** `sub` of who changed it last, where known. */
  readonly updatedBy: string | null;
  /** Why the last own change was refused; gone with the next one. */
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
