import type { Other, SharedState } from '@alcove/client';
import { useCallback, useRef, useSyncExternalStore } from 'react';

const NOBODY: readonly never[] = [];

/**
 * What the others show, or what `selector` makes of it. The component renders again only when the selection differs (arrays and flat objects by their members).
 */
export function useOthersOf<State, Selected = readonly Other<State>[]>(
  shared: SharedState<State>,
  selector?: (others: readonly Other<State>[]) => Selected,
): Selected {
  const last = useRef<{ from: readonly Other<State>[]; by: unknown; selected: Selected } | null>(null);
  const select = useCallback(
    (others: readonly Other<State>[]): Selected => {
      // Without a selector, Selected is the list itself.
      if (selector === undefined) return others as unknown as Selected;
      if (last.current?.from === others && last.current.by === selector) return last.current.selected;
      const selected = selector(others);
      const kept = last.current !== null && shallowEqual(last.current.selected, selected) ? last.current.selected : selected;
      last.current = { from: others, by: selector, selected: kept };
      return kept;
    },
    [selector],
  );
  const getSnapshot = useCallback(() => select(shared.others.getSnapshot()), [select, shared]);
  const getServerSnapshot = useCallback(() => select(NOBODY), [select]);
  return useSyncExternalStore(shared.others.subscribe, getSnapshot, getServerSnapshot);
}

export function shallowEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [first, second] = [Object.entries(a), Object.entries(b)];
  return first.length === second.length && first.every(([key, member]) => Object.hasOwn(b, key) && Object.is(member, Reflect.get(b, key)));
}
