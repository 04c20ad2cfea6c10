import type { Other, SharedState } from '@alcove/client';
import { type PointerEvent, type RefObject, useMemo } from 'react';
import { useReadable } from './use-readable.ts';

/** What `useCursors` gives. */
export interface Cursors<Cursor> {
  /** The other sessions' cursors. */
  readonly others: readonly Other<Cursor>[];
  /** Spread onto the element people point at, where a cursor is `{x, y}` in px from its top left corner (of `ref`'s element where one is given). */
  readonly props: {
    onPointerMove(event: PointerEvent<Element>): void;
    onPointerLeave(event: PointerEvent<Element>): void;
  };
  /** Shows any cursor the room's validator takes; null takes it back. */
  set(cursor: Cursor | null): void;
}

const nobody: readonly never[] = [];

/** The others' pointers, and what sends one's own (throttled). Entries go away by themselves when their owner leaves or falls silent. */
export function useCursorsOf<Cursor>(shared: SharedState<Cursor>, ref?: RefObject<Element | null>): Cursors<Cursor> {
  const others = useReadable(shared.others, () => nobody);
  const own = useMemo(
    () => ({
      set: (cursor: Cursor | null) => shared.set(cursor),
      props: {
        onPointerMove(event: PointerEvent<Element>) {
          const box = (ref?.current ?? event.currentTarget).getBoundingClientRect();
          // Whoever spreads these has declared cursors as {x, y}; the room's validator refuses the rest.
          shared.set({ x: event.clientX - box.left, y: event.clientY - box.top } as Cursor);
        },
        onPointerLeave: () => shared.set(null),
      },
    }),
    [shared, ref],
  );
  return useMemo(() => ({ others, ...own }), [others, own]);
}
