import { NIGHTS_MAX } from '../bounds.ts';
import { RefusedMark, RefusedRowMark } from './mark.tsx';
import { useMayEdit } from './may-edit.ts';
import { NewNote, Note, type NoteActions, type NoteRow } from './note.tsx';
import { type Person, TypingLine } from './people.tsx';
import type { TripMarks } from './write-marks.ts';
import { plural } from './words.ts';

/** A stop with its city, in the order of the trip. */
export interface StopRow {
  readonly id: string;
  readonly position: string;
  readonly cityId: number;
  readonly nights: number;
  readonly name: string;
  readonly country: string;
  readonly lat: number;
  readonly lon: number;
}

export interface StopActions extends NoteActions {
  readonly onChangeNights: (id: string, by: number) => void;
  readonly onRemove: (id: string) => void;
  readonly onAddNote: (stopId: string, body: string, isPrivate: boolean) => void;
  /** While a note for all is being written, and once it no longer is. */
  readonly onTyping: (typing: boolean) => void;
}

interface DetailProps extends StopActions {
  readonly stop: StopRow;
  readonly notes: readonly NoteRow[];
  readonly typing: readonly Person[];
  readonly marks: TripMarks;
  readonly onDismiss: (key: string) => void;
}

/** What opens under a stop: its nights, its notes, the way to take it off the route. */
export function StopDetail(props: DetailProps) {
  const { stop, notes, typing, marks, onAddNote, onTyping } = props;
  const mayEdit = useMayEdit();
  return (
    <div className="stop-detail">
      {mayEdit && <Nights {...props} />}
      {marks.stops.refused.has(stop.id) && <RefusedMark />}
      <Notes {...props} />
      {mayEdit ? (
        <NewNote
          label={`Write a note on ${stop.name}`}
          onSave={(body, isPrivate) => onAddNote(stop.id, body, isPrivate)}
          onTyping={onTyping}
        />
      ) : (
        notes.length === 0 && <p className="empty">No notes here.</p>
      )}
      <TypingLine people={typing} />
    </div>
  );
}

function Nights({ stop, onChangeNights, onRemove }: Pick<DetailProps, 'stop' | 'onChangeNights' | 'onRemove'>) {
  return (
    <div className="nights">
      <button
        type="button"
        className="step"
        aria-label={`One night fewer in ${stop.name}`}
        disabled={stop.nights <= 0}
        onClick={() => onChangeNights(stop.id, -1)}
      >
        −
      </button>
      <output aria-live="polite">{plural(stop.nights, 'night')}</output>
      <button
        type="button"
        className="step"
        aria-label={`One night more in ${stop.name}`}
        disabled={stop.nights >= NIGHTS_MAX}
        onClick={() => onChangeNights(stop.id, 1)}
      >
        +
      </button>
      <button type="button" className="quiet" onClick={() => onRemove(stop.id)}>
        Remove stop
      </button>
    </div>
  );
}

function Notes({ stop, notes, marks, onEditNote, onKeepNote, onRemoveNote, onDismiss }: DetailProps) {
  const refusedRows = marks.notes.refusedRows.filter((row) => row.stopId === stop.id);
  if (notes.length === 0 && refusedRows.length === 0) return null;
  return (
    <ul className="notes" aria-label={`Notes on ${stop.name}`}>
      {notes.map((note) => (
        <Note
          key={note.id}
          note={note}
          pending={marks.notes.pending.has(note.id)}
          refused={marks.notes.refused.has(note.id)}
          onEdit={onEditNote}
          onKeep={onKeepNote}
          onRemove={onRemoveNote}
        />
      ))}
      {refusedRows.map((row) => (
        <li key={row.key} className="is-refused">
          <p dir="auto">{row.text}</p>
          <p className="by">
            <RefusedRowMark name="the note" onDismiss={() => onDismiss(row.key)} />
          </p>
        </li>
      ))}
    </ul>
  );
}
