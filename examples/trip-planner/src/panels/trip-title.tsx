import { useState } from 'react';
import { TITLE_CHARACTERS_MAX } from '../bounds.ts';
import { useMayEdit } from './may-edit.ts';

/** What the trip is called, in large; a press makes it a field. Enter and leaving it keep what is written, Escape does not. */
export function TripTitle({ title, onRename }: { readonly title: string; readonly onRename: (title: string) => void }) {
  const [editing, setEditing] = useState(false);
  if (!useMayEdit()) return <h1 dir="auto">{title}</h1>;
  if (!editing) {
    return (
      <h1 dir="auto">
        <button type="button" className="bare" title={`${title}: press to rename`} onClick={() => setEditing(true)}>
          {title}
        </button>
      </h1>
    );
  }
  const keep = (text: string) => {
    setEditing(false);
    const next = text.trim();
    if (next !== '' && next !== title) onRename(next);
  };
  return (
    <h1>
      <textarea
        aria-label="Name of this trip"
        dir="auto"
        rows={1}
        maxLength={TITLE_CHARACTERS_MAX}
        defaultValue={title}
        spellCheck={false}
        enterKeyHint="done"
        autoFocus
        onFocus={(e) => e.target.select()}
        onBlur={(e) => keep(e.target.value)}
        onKeyDown={(e) => {
          if (e.nativeEvent.isComposing) return;
          if (e.key === 'Escape') e.currentTarget.value = title;
          if (e.key === 'Enter') e.preventDefault();
          if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur();
        }}
      />
    </h1>
  );
}
