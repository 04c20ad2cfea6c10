import { type KeyboardEvent, type SubmitEvent, useState } from 'react';
import { NOTE_CHARACTERS_MAX } from '../bounds.ts';
import { Lock } from './lock.tsx';
import { PendingMark, RefusedMark } from './mark.tsx';
import { useMayEdit } from './may-edit.ts';

/** A note on a stop. */
export interface NoteRow {
  readonly id: string;
  readonly stopId: string;
  readonly body: string;
  readonly author: string;
  readonly writtenMs: number;
  /** Who wrote it, as the server knows them; null where it knows nobody. */
  readonly owner: string | null;
  /** Nobody else gets it. */
  readonly isPrivate: boolean;
  /** Whoever sits before the page wrote it. */
  readonly isMine: boolean;
}

export interface NoteActions {
  readonly onEditNote: (id: string, was: string, body: string) => void;
  /** To oneself, or not. */
  readonly onKeepNote: (id: string, isPrivate: boolean) => void;
  readonly onRemoveNote: (id: string) => void;
}

interface NoteProps {
  readonly note: NoteRow;
  readonly pending: boolean;
  readonly refused: boolean;
  readonly onEdit: NoteActions['onEditNote'];
  /** Null where nobody could see it if it was shared. */
  readonly onKeep: NoteActions['onKeepNote'] | null;
  readonly onRemove: NoteActions['onRemoveNote'];
}

export function Note({ note, pending, refused, onEdit, onKeep, onRemove }: NoteProps) {
  const mayEdit = useMayEdit();
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
        {note.isPrivate ? (
          <span title="Nobody else gets this note, whatever their link.">
            <Lock /> Private
          </span>
        ) : (
          <span dir="auto">{note.author}</span>
        )}
        {mayEdit && (
          <>
            <button type="button" className="quiet" onClick={() => setWas(note.body)}>
              Change
            </button>
            {note.isMine && onKeep !== null && (
              <button type="button" className="quiet" onClick={() => onKeep(note.id, !note.isPrivate)}>
                {note.isPrivate ? 'Share' : 'Make private'}
              </button>
            )}
            <button type="button" className="quiet" onClick={() => onRemove(note.id)}>
              Remove
            </button>
          </>
        )}
        {refused && <RefusedMark />}
        {pending && <PendingMark />}
      </p>
    </li>
  );
}

interface NewNoteProps {
  readonly label: string;
  readonly onSave: (body: string, isPrivate: boolean) => void;
  readonly onTyping: (typing: boolean) => void;
}

/** While a note is to be private nobody is told that it is being written. */
export function NewNote({ label, onSave, onTyping }: NewNoteProps) {
  const [isPrivate, setPrivate] = useState(false);
  const choose = (next: boolean) => {
    setPrivate(next);
    if (next) onTyping(false);
  };
  return (
    <>
      <NoteField label={label} onSave={(body) => onSave(body, isPrivate)} onTyping={(typing) => onTyping(typing && !isPrivate)} />
      <label className="only-me">
        <input type="checkbox" checked={isPrivate} onChange={(e) => choose(e.target.checked)} />
        Private: only you see it
      </label>
    </>
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
