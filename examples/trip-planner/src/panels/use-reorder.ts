import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react';
import { dropIndex, keyForMove, type Ordered, shiftOf } from './reorder.ts';

interface Drag {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly dy: number;
  readonly heightPx: number;
  readonly middles: readonly number[];
  readonly startY: number;
}

export interface Reorder {
  /** The id of the row under way, or null. */
  readonly dragged: string | null;
  /** How far to draw the row from its place, in pixels. */
  offset(index: number): number;
  /** Handlers for the row's handle. */
  handle(id: string): {
    onPointerDown(e: PointerEvent<HTMLElement>): void;
    onPointerMove(e: PointerEvent<HTMLElement>): void;
    onPointerUp(): void;
    onPointerCancel(): void;
    onKeyDown(e: KeyboardEvent<HTMLElement>): void;
  };
}

/**
 * Reordering by dragging a handle or by arrow keys on it. `onMove` gets the new fractional key; the row moves when the
 * rows handed in have moved. A handle that had the keyboard keeps it. Rows are the list's children with a
 * `data-row`, in order; what else is in it stays where it is.
 */
export function useReorder<Row extends Ordered>(
  rows: readonly Row[],
  list: { readonly current: HTMLElement | null },
  onMove: (id: string, position: string) => void,
): Reorder {
  const [drag, setDrag] = useState<Drag | null>(null);
  const keyboardOn = useRef<string | null>(null);
  useLayoutEffect(() => {
    const id = keyboardOn.current;
    if (id === null) return;
    list.current?.querySelector<HTMLElement>(`[data-handle="${CSS.escape(id)}"]`)?.focus();
  }, [rows, list]);

  const move = (id: string, index: number) => {
    const key = keyForMove(rows, id, index);
    if (key !== null) onMove(id, key);
  };
  const start = (id: string, e: PointerEvent<HTMLElement>) => {
    if (e.button !== 0 || list.current === null) return;
    e.preventDefault();
    e.currentTarget.setPointerCapture(e.pointerId);
    const boxes = [...list.current.querySelectorAll(':scope > [data-row]')].map((child) => child.getBoundingClientRect());
    const from = rows.findIndex((row) => row.id === id);
    const middles = boxes.map((box) => box.top + box.height / 2);
    setDrag({ id, from, to: from, dy: 0, heightPx: boxes[from]?.height ?? 0, middles, startY: e.clientY });
  };
  const drop = () => {
    if (drag !== null) move(drag.id, drag.to);
    setDrag(null);
  };
  const offset = (index: number) => {
    if (drag === null) return 0;
    return index === drag.from ? drag.dy : shiftOf(index, drag.from, drag.to, drag.heightPx);
  };
  return {
    dragged: drag?.id ?? null,
    offset,
    handle: (id) => ({
      onPointerDown: (e) => start(id, e),
      onPointerMove: (e) => {
        if (drag === null) return;
        const dy = e.clientY - drag.startY;
        setDrag({ ...drag, dy, to: dropIndex(drag.middles, drag.from, dy) });
      },
      onPointerUp: drop,
      onPointerCancel: () => setDrag(null),
      onKeyDown: (e) => {
        const step = e.key === 'ArrowUp' ? -1 : e.key === 'ArrowDown' ? 1 : 0;
        if (e.key === 'Escape') setDrag(null);
        if (step === 0) return;
        e.preventDefault();
        keyboardOn.current = id;
        move(id, rows.findIndex((row) => row.id === id) + step);
      },
    }),
  };
}
