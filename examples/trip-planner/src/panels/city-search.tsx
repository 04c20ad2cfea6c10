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
export function CitySearch(props: CitySearchProps) {
  const { text, results, pending, total, onText } = props;
  const id = useId();
  const box = useCombobox(props);
  const { shown, current } = box;
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
          box.begin();
        }}
        onFocus={() => box.setOpen(true)}
        onBlur={() => box.setOpen(false)}
        onKeyDown={box.onKeyDown}
      />
      <Options id={id} hidden={!shown || results.length === 0} box={box} {...props} />
      {shown && results.length === 0 && !pending && <p className="search-none">No city is called “{text.trim()}”.</p>}
      <p className="unseen" aria-live="polite">
        {shown && !pending ? `${results.length} cities` : ''}
      </p>
    </div>
  );
}

type Combobox = ReturnType<typeof useCombobox>;

/** Which option is the current one, and what keys do to that. */
function useCombobox({ text, results, onText, onChoose }: CitySearchProps) {
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const shown = open && text.trim() !== '';
  const current = Math.min(active, results.length - 1);
  const choose = (city: CityRow | undefined) => {
    if (city === undefined) return;
    setOpen(false);
    onChoose(city);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    const move = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (move !== 0 && results.length > 0) {
      e.preventDefault();
      setActive(shown ? (current + move + results.length) % results.length : 0);
      setOpen(true);
    }
    if (e.key === 'Enter' && shown) choose(results[current]);
    if (e.key !== 'Escape') return;
    if (!shown) onText('');
    setOpen(false);
  };
  const begin = () => {
    setActive(0);
    setOpen(true);
  };
  return { shown, current, setActive, setOpen, begin, choose, onKeyDown };
}

function Options({
  id,
  hidden,
  box,
  results,
  pending,
}: CitySearchProps & { readonly id: string; readonly hidden: boolean; readonly box: Combobox }) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[box.current]?.scrollIntoView({ block: 'nearest' });
  }, [box.current]);
  return (
    <ul ref={list} id={`${id}-list`} role="listbox" aria-label="Cities" hidden={hidden} aria-busy={pending}>
      {results.map((city, i) => (
        <li
          key={city.id}
          id={`${id}-${city.id}`}
          role="option"
          aria-selected={i === box.current}
          // Before the field's blur closes the list.
          onPointerDown={(e) => e.preventDefault()}
          onPointerMove={() => box.setActive(i)}
          onClick={() => box.choose(city)}
        >
          <strong>{city.name}</strong>
          <span>{countryName(city.country)}</span>
          <span className="figure">{city.population > 0 ? formatNumber(city.population) : ''}</span>
        </li>
      ))}
    </ul>
  );
}
