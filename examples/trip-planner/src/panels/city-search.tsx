import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from 'react';
import type { CityRow } from '../map/city-index.ts';
import { formatPlace } from '../map/graticule.ts';
import { type ListStep, listStep } from './search-keys.ts';
import { countryName, formatNumber, plural } from './words.ts';

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
  /** The field, for whoever gives the keyboard back to it. */
  readonly field: RefObject<HTMLInputElement | null>;
}

/** A field whose list follows every key: arrows move in it, Enter chooses, Escape closes, then empties. */
export function CitySearch(props: CitySearchProps) {
  const { text, results, pending, total, field } = props;
  const id = useId();
  const box = useCombobox(props);
  const { shown, current } = box;
  return (
    <div className="search" role="search">
      <input
        ref={field}
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
        onChange={(e) => box.write(e.target.value)}
        onFocus={() => box.setOpen(true)}
        onBlur={() => box.setOpen(false)}
        onKeyDown={box.onKeyDown}
      />
      <Options id={id} hidden={!shown || results.length === 0} box={box} {...props} />
      {shown && results.length === 0 && !pending && <p className="search-none">No city is called “{text.trim()}”.</p>}
      <p className="unseen" aria-live="polite">
        {shown && !pending && results.length > 0 ? `${plural(results.length, 'city', 'cities')}, arrow keys choose` : ''}
      </p>
    </div>
  );
}

type Combobox = ReturnType<typeof useCombobox>;

/** Which option is the current one, and what keys do to that. */
function useCombobox({ text, results, pending, onText, onChoose }: CitySearchProps) {
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  /** Enter came before the list of this text: its first option is meant. */
  const [awaited, setAwaited] = useState(false);
  const shown = open && text.trim() !== '';
  const current = Math.min(active, results.length - 1);
  const choose = (city: CityRow | undefined) => {
    setAwaited(false);
    if (city === undefined) return;
    setOpen(false);
    onChoose(city);
  };
  useEffect(() => {
    if (awaited && !pending) choose(results[0]);
  });
  const act = (step: ListStep) => {
    switch (step.kind) {
      case 'move':
        setActive(step.to);
        return setOpen(true);
      case 'choose':
        return choose(results[step.at]);
      case 'await':
        return setAwaited(true);
      case 'close':
        return setOpen(false);
      case 'clear':
        return onText('');
    }
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
    const step = listStep(e.key, { open, current, count: results.length, pending, text });
    if (step === null) return;
    e.preventDefault();
    act(step);
  };
  const write = (next: string) => {
    setActive(0);
    setAwaited(false);
    setOpen(true);
    onText(next);
  };
  return { shown, current, setActive, setOpen, write, choose, onKeyDown };
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
          <span>
            {countryName(city.country)}
            {isTwin(city, results) && `, ${formatPlace(city.lon, city.lat)}`}
          </span>
          <span className="figure">{city.population > 0 ? formatNumber(city.population) : ''}</span>
        </li>
      ))}
    </ul>
  );
}

/** Another one on the list reads the same. */
const isTwin = ({ id, name, country }: CityRow, results: readonly CityRow[]): boolean =>
  results.some((other) => other.id !== id && other.name === name && other.country === country);
