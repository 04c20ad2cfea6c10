import type { CityRow } from '../map/city-index.ts';
import { formatPlace } from '../map/graticule.ts';
import { countryName, plural } from './words.ts';

export interface PlaceCardProps {
  readonly city: CityRow;
  /** The number of the stop this city already is, or null. */
  readonly stopNumber: number | null;
  readonly onAdd: () => void;
  readonly onClose: () => void;
}

/** The gazetteer's entry of one city, with the way onto the route. */
export function PlaceCard({ city, stopNumber, onAdd, onClose }: PlaceCardProps) {
  return (
    <section className="slip place" aria-label={city.name}>
      <h2>{city.name}</h2>
      <p>
        {countryName(city.country)}
        {city.population > 0 && `, ${plural(city.population, 'inhabitant')}`}
      </p>
      <p className="figure">{formatPlace(city.lon, city.lat)}</p>
      <div className="slip-actions">
        <button type="button" className="press" onClick={onAdd}>
          {stopNumber === null ? 'Add to the route' : 'Add once more'}
        </button>
        {stopNumber !== null && <span>Stop {stopNumber}</span>}
      </div>
      <button type="button" className="bare close" aria-label={`Close ${city.name}`} onClick={onClose}>
        ×
      </button>
    </section>
  );
}
