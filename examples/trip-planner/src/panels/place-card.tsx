import { useEffect, useRef } from 'react';
import type { CityRow } from '../map/city-index.ts';
import { formatPlace } from '../map/graticule.ts';
import { LOOKING, useMayEdit } from './may-edit.ts';
import { countryName, plural } from './words.ts';

export interface PlaceCardProps {
  readonly city: CityRow;
  /** The number of the stop this city already is, or null. */
  readonly stopNumber: number | null;
  /** Opened by keys, or from the search: the keyboard goes on at the way onto the route. */
  readonly takesKeyboard: boolean;
  readonly onAdd: () => void;
  readonly onClose: () => void;
}

/** The gazetteer's entry of one city, with the way onto the route. */
export function PlaceCard({ city, stopNumber, takesKeyboard, onAdd, onClose }: PlaceCardProps) {
  const add = useRef<HTMLButtonElement>(null);
  const mayEdit = useMayEdit();
  useEffect(() => {
    if (takesKeyboard) add.current?.focus();
  }, [takesKeyboard, city.id]);
  useEscape(onClose);
  return (
    <section className="slip place" aria-label={city.name}>
      <h2>{city.name}</h2>
      <p>
        {countryName(city.country)}
        {city.population > 0 && `, ${plural(city.population, 'inhabitant')}`}
      </p>
      <p className="figure">{formatPlace(city.lon, city.lat)}</p>
      <div className="slip-actions">
        {mayEdit && (
          <button ref={add} type="button" className="press" onClick={onAdd}>
            {stopNumber === null ? 'Add to the route' : 'Add once more'}
          </button>
        )}
        {stopNumber !== null && <span>Stop {stopNumber}</span>}
      </div>
      {!mayEdit && <p className="place-why">{LOOKING}</p>}
      <button type="button" className="bare close" aria-label={`Close ${city.name}`} onClick={onClose}>
        ×
      </button>
    </section>
  );
}

/** Escape anywhere, but where it has a meaning of its own. */
function useEscape(onEscape: () => void): void {
  const latest = useRef(onEscape);
  useEffect(() => {
    latest.current = onEscape;
  });
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      const writing = e.target instanceof Element && e.target.matches('input:not([role=combobox]), textarea, select');
      if (e.key === 'Escape' && !e.defaultPrevented && !writing) latest.current();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}
