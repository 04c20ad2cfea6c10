import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { ITEM_CHARACTERS_MAX } from '../bounds.ts';
import { PendingMark, RefusedMark, RefusedRowMark } from './mark.tsx';
import { LOOKING, useMayEdit } from './may-edit.ts';
import type { Marks } from './write-marks.ts';

/** A thing to pack. */
export interface ItemRow {
  readonly id: string;
  readonly label: string;
  readonly packed: boolean;
}

export interface PackingListProps {
  /** In the order shown. */
  readonly items: readonly ItemRow[];
  readonly marks: Marks;
  /** The thing that was added here last: the list shows it. */
  readonly addedId: string | null;
  readonly onAdd: (label: string) => void;
  readonly onToggle: (id: string, packed: boolean) => void;
  readonly onRemove: (id: string) => void;
  /** Takes the sign of a refused write away. */
  readonly onDismiss: (key: string) => void;
}

/** Things to pack, ticked off by whoever packs them. */
export function PackingList({ items, marks, addedId, onAdd, onToggle, onRemove, onDismiss }: PackingListProps) {
  const [label, setLabel] = useState('');
  const mayEdit = useMayEdit();
  const onSubmit = (e: SubmitEvent) => {
    e.preventDefault();
    if (label.trim() === '') return;
    onAdd(label.trim());
    setLabel('');
  };
  return (
    <>
      {mayEdit && (
        <form className="add-item" onSubmit={onSubmit}>
          <input
            aria-label="Add a thing to pack"
            placeholder="Add a thing to pack"
            maxLength={ITEM_CHARACTERS_MAX}
            value={label}
            enterKeyHint="done"
            onChange={(e) => setLabel(e.target.value)}
          />
          <button type="submit" className="step" aria-label="Add" disabled={label.trim() === ''}>
            +
          </button>
        </form>
      )}
      {items.length === 0 && marks.refusedRows.length === 0 && <p className="empty">Nothing to pack yet.</p>}
      <ul className="items">
        {items.map((item) => (
          <Item key={item.id} item={item} marks={marks} isNew={item.id === addedId} onToggle={onToggle} onRemove={onRemove} />
        ))}
        {marks.refusedRows.map((row) => (
          <li key={row.key} className="is-refused">
            <p dir="auto">{row.text}</p>
            <RefusedRowMark name={row.text} onDismiss={() => onDismiss(row.key)} />
          </li>
        ))}
      </ul>
    </>
  );
}

interface ItemProps extends Pick<PackingListProps, 'marks' | 'onToggle' | 'onRemove'> {
  readonly item: ItemRow;
  readonly isNew: boolean;
}

function Item({ item, marks, isNew, onToggle, onRemove }: ItemProps) {
  const row = useRef<HTMLLIElement>(null);
  const mayEdit = useMayEdit();
  useEffect(() => {
    if (isNew) row.current?.scrollIntoView({ block: 'nearest' });
  }, [isNew]);
  return (
    <li ref={row} className={isNew ? 'is-new' : ''}>
      <label title={mayEdit ? undefined : LOOKING}>
        <input type="checkbox" checked={item.packed} disabled={!mayEdit} onChange={(e) => onToggle(item.id, e.target.checked)} />
        <span dir="auto">{item.label}</span>
      </label>
      {marks.refused.has(item.id) && <RefusedMark />}
      {marks.pending.has(item.id) && <PendingMark />}
      {mayEdit && (
        <button type="button" className="bare remove" aria-label={`Remove ${item.label}`} onClick={() => onRemove(item.id)}>
          ×
        </button>
      )}
    </li>
  );
}
