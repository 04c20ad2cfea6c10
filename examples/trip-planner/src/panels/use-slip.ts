import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';

/** A slip behind a button: it goes with Escape, and when somebody presses anywhere else. `ref` and `onKeyDown` are for what holds both. */
export function useSlip<Holder extends HTMLElement>() {
  const [open, setOpen] = useState(false);
  const ref: RefObject<Holder | null> = useRef(null);
  useEffect(() => {
    if (!open) return;
    const press = ({ target }: PointerEvent): void => {
      if (target instanceof Node && ref.current?.contains(target) === false) setOpen(false);
    };
    document.addEventListener('pointerdown', press);
    return () => document.removeEventListener('pointerdown', press);
  }, [open]);
  const holder = { ref, onKeyDown: ({ key }: KeyboardEvent) => key === 'Escape' && setOpen(false) };
  return { open, toggle: () => setOpen(!open), holder };
}
