import { type KeyboardEvent, useRef, useState } from 'react';
import type { SqlTable } from './sql-complaint.ts';

export interface SchemaListProps {
  readonly tables: readonly SqlTable[];
  /** A name was pressed: it goes into the query. */
  readonly onInsert: (name: string) => void;
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Every table and its columns, as a dictionary has its entries. One stop for the Tab key; arrows go from name to name. */
export function SchemaList({ tables, onInsert }: SchemaListProps) {
  const list = useRef<HTMLDListElement>(null);
  const [current, setCurrent] = useState(0);
  const onKeyDown = (e: KeyboardEvent) => {
    const names = [...(list.current?.querySelectorAll('button') ?? [])];
    const step = STEPS[e.key];
    const to =
      step !== undefined ? (current + step + names.length) % names.length : e.key === 'Home' ? 0 : e.key === 'End' ? names.length - 1 : -1;
    if (to === -1 || names.length === 0) return;
    e.preventDefault();
    setCurrent(to);
    names[to]?.focus();
  };
  let place = -1;
  const name = (text: string, label: string, className?: string) => {
    place += 1;
    const at = place;
    return (
      <button
        type="button"
        className={className}
        tabIndex={at === current ? 0 : -1}
        title={label}
        onFocus={() => setCurrent(at)}
        onClick={() => onInsert(text)}
      >
        {text}
      </button>
    );
  };
  return (
    <dl ref={list} className="schema" role="group" aria-label="Tables and columns" onKeyDown={onKeyDown}>
      {tables.map((table) => (
        <div key={table.name}>
          <dt>{name(table.name, `Table ${table.name}`)}</dt>
          {table.columns.map((column) => (
            <dd key={column.name}>
              {name(column.name, `${column.name}: ${column.type}${column.isKey ? ', key' : ''}`, column.isKey ? 'is-key' : undefined)}
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}
