import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import type { CityRow } from '../map/city-index.ts';
import { countryName, formatNumber } from './words.ts';

export interface CitySearchProps {
  readonly text: string;
  /** Cities for the text, best first; empty without a text. */
  readonly results: readonly CityRow[];
  /** `pending`: the results are still those of an earlier text. */
  readonly pending: boolean;
  /** How many cities there are to search; null while they are loading. */
  readonly total: number | null;
  readonly onText: (text: string) => void;
  /** A city was chosen: show it. */
  readonly onChoose: (city: CityRow) => void;
}

/** A field whose list follows every key: arrows move in it, Enter chooses, Escape closes, then empties. */
export function CitySearch({ text, results, pending, total, onText, onChoose }: CitySearchProps) {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const shown = open && text.trim() !== '';
  const current = Math.min(active, results.length - 1);
  useEffect(() => {
    list.current?.children[current]?.scrollIntoView({ block: 'nearest' });
  }, [current]);

  const choose = (city: CityRow | undefined) => {
    if (city === undefined) return;
    setOpen(false);
    onChoose(city);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[e.key];
    if (move !== undefined && results.length > 0) {
      e.preventDefault();
      setActive(shown ? (current + move + results.length) % results.length : 0);
      setOpen(true);
    }
    if (e.key === 'Enter' && shown) choose(results[current]);
    if (e.key === 'Escape') {
      if (!shown) onText('');
      setOpen(false);
    }
  };
  return (
    <div className="search" role="search">
      <input
        type="text"
        role="combobox"
        aria-label="Find a city"
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown && results[current] !== undefined ? `${id}-${results[current].id}` : undefined}
        placeholder={total === null ? 'Find a city' : `Find one of ${formatNumber(total)} cities`}
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
        value={text}
        onChange={(e) => {
          onText(e.target.value);
          setActive(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label="Cities" hidden={!shown || results.length === 0} aria-busy={pending}>
        {results.map((city, i) => (
          <li
            key={city.id}
            id={`${id}-${city.id}`}
            role="option"
            aria-selected={i === current}
            // Before the field's blur closes the list.
            onPointerDown={(e) => e.preventDefault()}
            onPointerMove={() => setActive(i)}
            onClick={() => choose(city)}
          >
            <strong>{city.name}</strong>
            <span>{countryName(city.country)}</span>
            <span className="figure">{city.population > 0 ? formatNumber(city.population) : ''}</span>
          </li>
        ))}
      </ul>
      {shown && results.length === 0 && !pending && <p className="search-none">No city is called “{text.trim()}”.</p>}
      <p className="unseen" aria-live="polite">
        {shown && !pending ? `${results.length} cities` : ''}
      </p>
    </div>
  );
}
