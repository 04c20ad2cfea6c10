import { Note, type NoteActions, type NoteRow } from './note.tsx';
import type { TripMarks } from './write-marks.ts';

export interface StrandedNotesProps extends Pick<NoteActions, 'onEditNote' | 'onRemoveNote'> {
  readonly notes: readonly NoteRow[];
  readonly marks: TripMarks;
}

/** Private notes whose stop is off the route: whoever took it off does not see them, so they are still here. They are back in their place with the stop. */
export function StrandedNotes({ notes, marks, onEditNote, onRemoveNote }: StrandedNotesProps) {
  if (notes.length === 0) return null;
  return (
    <section className="stranded">
      <h3>Private notes on stops that were removed</h3>
      <ul className="notes" aria-label="Private notes on stops that were removed">
        {notes.map((note) => (
          <Note
            key={note.id}
            note={note}
            pending={marks.notes.pending.has(note.id)}
            refused={marks.notes.refused.has(note.id)}
            onEdit={onEditNote}
            onKeep={null}
            onRemove={onRemoveNote}
          />
        ))}
      </ul>
    </section>
  );
}
