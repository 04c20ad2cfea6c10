import { type SubmitEvent, useState } from 'react';
import { ITEM_CHARACTERS_MAX } from '../bounds.ts';

/** A thing to pack. */
export interface ItemRow {
  readonly id: string;
  readonly label: string;
  readonly packed: boolean;
}

export interface PackingListProps {
  /** In the order shown. */
  readonly items: readonly ItemRow[];
  readonly onAdd: (label: string) => void;
  readonly onToggle: (id: string, packed: boolean) => void;
  readonly onRemove: (id: string) => void;
}

/** Things to pack, ticked off by whoever packs them. */
export function PackingList({ items, onAdd, onToggle, onRemove }: PackingListProps) {
  const [label, setLabel] = useState('');
  const onSubmit = (e: SubmitEvent) => {
    e.preventDefault();
    if (label.trim() === '') return;
    onAdd(label.trim());
    setLabel('');
  };
  return (
    <>
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
      <ul className="items">
        {items.map((item) => (
          <li key={item.id}>
            <label>
              <input type="checkbox" checked={item.packed} onChange={(e) => onToggle(item.id, e.target.checked)} />
              <span>{item.label}</span>
            </label>
            <button type="button" className="bare remove" aria-label={`Remove ${item.label}`} onClick={() => onRemove(item.id)}>
              ×
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
