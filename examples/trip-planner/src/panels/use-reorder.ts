import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { dropIndex, edgeSpeed, keyForMove, type Ordered, shiftOf } from './reorder.ts';

interface Drag<Row> {
  readonly id: string;
  /** The rows as they were when the hand took hold: what others do meanwhile is shown when it lets go. */
  readonly rows: readonly Row[];
  readonly from: number;
  readonly to: number;
  readonly dy: number;
  readonly heightPx: number;
  readonly middles: readonly number[];
  /** Where the hand took hold, and how far the list was scrolled then. */
  readonly startY: number;
  readonly startScroll: number;
}

export interface Reorder<Row extends Ordered = Ordered> {
  /** The rows to draw. */
  readonly rows: readonly Row[];
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
 * `data-row`, in order; what else is in it stays where it is. Near its edges the list's parent scrolls.
 */
export function useReorder<Row extends Ordered>(
  rows: readonly Row[],
  list: { readonly current: HTMLElement | null },
  onMove: (id: string, position: string) => void,
): Reorder<Row> {
  const [drag, setDrag] = useState<Drag<Row> | null>(null);
  const handY = useRef(0);
  const keyboardOn = useRef<string | null>(null);
  useLayoutEffect(() => {
    const id = keyboardOn.current;
    if (id === null) return;
    list.current?.querySelector<HTMLElement>(`[data-handle="${CSS.escape(id)}"]`)?.focus();
  }, [rows, list]);

  const follow = () => setDrag((now) => (now === null ? null : carriedTo(now, handY.current, list.current?.parentElement?.scrollTop ?? 0)));
  useEdgeScroll(drag !== null, list, handY, follow);
  const move = (all: readonly Ordered[], id: string, index: number) => {
    const key = keyForMove(all, id, index);
    if (key !== null) onMove(id, key);
  };
  const start = (id: string, e: PointerEvent<HTMLElement>) => {
    if (e.button !== 0 || list.current === null) return;
    e.preventDefault();
    e.currentTarget.setPointerCapture(e.pointerId);
    handY.current = e.clientY;
    keyboardOn.current = null;
    setDrag(takenUp(list.current, rows, id, e.clientY));
  };
  const drop = () => {
    if (drag !== null) move(drag.rows, drag.id, drag.to);
    setDrag(null);
  };
  const offset = (index: number) => {
    if (drag === null) return 0;
    return index === drag.from ? drag.dy : shiftOf(index, drag.from, drag.to, drag.heightPx);
  };
  return {
    rows: drag?.rows ?? rows,
    dragged: drag?.id ?? null,
    offset,
    handle: (id) => ({
      onPointerDown: (e) => start(id, e),
      onPointerMove: (e) => {
        handY.current = e.clientY;
        if (drag !== null) follow();
      },
      onPointerUp: drop,
      onPointerCancel: () => setDrag(null),
      onKeyDown: (e) => {
        const step = e.key === 'ArrowUp' ? -1 : e.key === 'ArrowDown' ? 1 : 0;
        if (e.key === 'Escape') setDrag(null);
        if (step === 0) return;
        e.preventDefault();
        keyboardOn.current = id;
        move(rows, id, rows.findIndex((row) => row.id === id) + step);
      },
    }),
  };
}

/** A drag at its beginning. */
function takenUp<Row extends Ordered>(list: HTMLElement, rows: readonly Row[], id: string, startY: number): Drag<Row> {
  const boxes = [...list.querySelectorAll(':scope > [data-row]')].map((child) => child.getBoundingClientRect());
  const from = rows.findIndex((row) => row.id === id);
  const middles = boxes.map((box) => box.top + box.height / 2);
  const startScroll = list.parentElement?.scrollTop ?? 0;
  return { id, rows, from, to: from, dy: 0, heightPx: boxes[from]?.height ?? 0, middles, startY, startScroll };
}

function carriedTo<Row>(drag: Drag<Row>, handY: number, scrollTop: number): Drag<Row> {
  const dy = handY - drag.startY + scrollTop - drag.startScroll;
  return { ...drag, dy, to: dropIndex(drag.middles, drag.from, dy) };
}

/** While a row is held near an edge of what scrolls the list, it scrolls; `onScrolled` is called for each step. */
function useEdgeScroll(
  held: boolean,
  list: { readonly current: HTMLElement | null },
  handY: { readonly current: number },
  onScrolled: () => void,
): void {
  const scrolled = useRef(onScrolled);
  useEffect(() => {
    scrolled.current = onScrolled;
  });
  useEffect(() => {
    const box = list.current?.parentElement;
    if (!held || box === null || box === undefined) return;
    let frame = 0;
    const step = () => {
      const { top, bottom } = box.getBoundingClientRect();
      const before = box.scrollTop;
      box.scrollTop += edgeSpeed(handY.current, top, bottom);
      if (box.scrollTop !== before) scrolled.current();
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [held, list, handY]);
}
