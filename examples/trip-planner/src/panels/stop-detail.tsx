import { type KeyboardEvent, type SubmitEvent, useState } from 'react';
import { NIGHTS_MAX, NOTE_CHARACTERS_MAX } from '../bounds.ts';
import { PendingMark, RefusedMark, RefusedRowMark } from './mark.tsx';
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

/** A note on a stop. */
export interface NoteRow {
  readonly id: string;
  readonly stopId: string;
  readonly body: string;
  readonly author: string;
  readonly writtenMs: number;
}

export interface StopActions {
  readonly onChangeNights: (id: string, by: number) => void;
  readonly onRemove: (id: string) => void;
  readonly onAddNote: (stopId: string, body: string) => void;
  readonly onEditNote: (id: string, was: string, body: string) => void;
  readonly onRemoveNote: (id: string) => void;
  /** While the own note is being written, and once it no longer is. */
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
  const { stop, typing, marks, onChangeNights, onRemove, onAddNote, onTyping } = props;
  return (
    <div className="stop-detail">
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
      {marks.stops.refused.has(stop.id) && <RefusedMark />}
      <Notes {...props} />
      <NoteField label={`Write a note on ${stop.name}`} onSave={(body) => onAddNote(stop.id, body)} onTyping={onTyping} />
      <TypingLine people={typing} />
    </div>
  );
}

function Notes({ stop, notes, marks, onEditNote, onRemoveNote, onDismiss }: DetailProps) {
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

function Note({
  note,
  pending,
  refused,
  onEdit,
  onRemove,
}: {
  readonly note: NoteRow;
  readonly pending: boolean;
  readonly refused: boolean;
  readonly onEdit: (id: string, was: string, body: string) => void;
  readonly onRemove: (id: string) => void;
}) {
  /** What stood there when the editing began; null while nobody edits. */
  const [was, setWas] = useState<string | null>(null);
  if (was !== null) {
    const save = (body: string) => {
      if (body !== was) onEdit(note.id, was, body);
      setWas(null);
    };
    return (
      <li>
        <NoteField label="Change the note" initial={was} onSave={save} onCancel={() => setWas(null)} />
      </li>
    );
  }
  return (
    <li>
      <p dir="auto">{note.body}</p>
      <p className="by">
        <span dir="auto">{note.author}</span>
        <button type="button" className="quiet" onClick={() => setWas(note.body)}>
          Change
        </button>
        <button type="button" className="quiet" onClick={() => onRemove(note.id)}>
          Remove
        </button>
        {refused && <RefusedMark />}
        {pending && <PendingMark />}
      </p>
    </li>
  );
}

interface NoteFieldProps {
  readonly label: string;
  readonly initial?: string;
  readonly onSave: (body: string) => void;
  readonly onCancel?: () => void;
  readonly onTyping?: (typing: boolean) => void;
}

/** Enter saves, Shift and Enter makes a line, Escape gives up. */
function NoteField({ label, initial = '', onSave, onCancel, onTyping }: NoteFieldProps) {
  const [body, setBody] = useState(initial);
  const save = () => {
    if (body.trim() === '') return;
    onSave(body.trim());
    setBody('');
    onTyping?.(false);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === 'Escape') onCancel?.();
    if (e.key !== 'Enter' || e.shiftKey || e.nativeEvent.isComposing) return;
    e.preventDefault();
    save();
  };
  const onSubmit = (e: SubmitEvent) => {
    e.preventDefault();
    save();
  };
  return (
    <form className="note-field" onSubmit={onSubmit}>
      <textarea
        aria-label={label}
        placeholder={label}
        rows={1}
        maxLength={NOTE_CHARACTERS_MAX}
        value={body}
        autoFocus={onCancel !== undefined}
        onChange={(e) => {
          setBody(e.target.value);
          onTyping?.(e.target.value !== '');
        }}
        onKeyDown={onKeyDown}
        onBlur={() => onTyping?.(false)}
      />
      {body.trim() !== '' && (
        <button type="submit" className="step" aria-label="Save the note">
          ↵
        </button>
      )}
    </form>
  );
}
