import { useEffect } from 'react';
import type { NoteRow } from './note.tsx';
import type { StopRow } from './stop-detail.tsx';
import { plural } from './words.ts';

/** A stop that was taken off the route here, as it was. */
export interface RemovedStop {
  readonly stop: StopRow;
  readonly notes: readonly NoteRow[];
}

/** Long enough to be read and thought about. */
const OFFERED_MS = 15_000;

/** What was removed just now, with the notes that went with it: one press brings it back. */
export function UndoSlip({
  removed,
  onUndo,
  onClose,
}: {
  readonly removed: RemovedStop;
  readonly onUndo: () => void;
  readonly onClose: () => void;
}) {
  useEffect(() => {
    const timer = setTimeout(onClose, OFFERED_MS);
    return () => clearTimeout(timer);
  }, [removed, onClose]);
  const { stop, notes } = removed;
  return (
    <section className="slip undo" role="status" aria-label="Removed">
      <p dir="auto">
        {stop.name} is off the route{notes.length > 0 && `, with ${plural(notes.length, 'note')}`}.
      </p>
      <button type="button" className="press" onClick={onUndo}>
        Undo
      </button>
      <button type="button" className="close bare" aria-label="Close" onClick={onClose}>
        ×
      </button>
    </section>
  );
}
