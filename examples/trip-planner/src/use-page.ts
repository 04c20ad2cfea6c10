import { type RefObject, useRef, useState } from 'react';
import type { CityRow } from './map/city-index.ts';
import type { MapCursor } from './map/cursor-layer.ts';
import type { Picked } from './map/map-scene.ts';
import type { GeoPoint } from './map/projection.ts';
import type { MapHandle } from './map/use-scene.ts';

/** The parts of the sheet; on a phone one at a time, on a wide screen the budget stands below the other two. */
export type Part = 'route' | 'packing' | 'budget';

/** What this page shows just now and nobody else needs to know: the open part, the selected stop, the city under the glass. */
export interface Page {
  readonly map: RefObject<MapHandle | null>;
  readonly part: Part;
  readonly setPart: (part: Part) => void;
  readonly sqlOpen: boolean;
  readonly setSqlOpen: (open: boolean) => void;
  readonly selectedId: string | null;
  readonly place: CityRow | null;
  readonly closePlace: () => void;
  /** From the list: shows the stop on the map too. */
  readonly selectStop: (id: string | null) => void;
  /** From the map: a stop opens in the list, a city as a card, empty paper closes the card. */
  readonly pick: (picked: Picked | null) => void;
  readonly chooseCity: (city: CityRow) => void;
  readonly follow: (sessionId: string) => void;
  readonly showRoute: () => void;
  readonly zoomBy: (steps: number) => void;
}

export interface PageRows {
  readonly stops: readonly (GeoPoint & { readonly id: string })[];
  readonly cursors: readonly MapCursor[];
}

export function usePage({ stops, cursors }: PageRows): Page {
  const map = useRef<MapHandle>(null);
  const [part, setPart] = useState<Part>('route');
  const [sqlOpen, setSqlOpen] = useState(false);
  const [selectedId, setSelectedId] = useState<string | null>(null);
  const [place, setPlace] = useState<CityRow | null>(null);

  const selectStop = (id: string | null) => {
    setSelectedId(id);
    setPlace(null);
    const stop = stops.find((one) => one.id === id);
    if (stop !== undefined) map.current?.flyTo(stop);
  };
  const pick = (picked: Picked | null) => {
    setPlace(picked?.kind === 'city' ? picked.city : null);
    if (picked?.kind !== 'stop') return;
    setSelectedId(picked.stop.id);
    setPart('route');
  };
  const chooseCity = (city: CityRow) => {
    setPlace(city);
    map.current?.flyTo(city, true);
  };
  const follow = (sessionId: string) => {
    const cursor = cursors.find((one) => one.sessionId === sessionId);
    if (cursor !== undefined) map.current?.flyTo(cursor);
  };
  return {
    map,
    part,
    setPart,
    sqlOpen,
    setSqlOpen,
    selectedId,
    place,
    closePlace: () => setPlace(null),
    selectStop,
    pick,
    chooseCity,
    follow,
    showRoute: () => map.current?.showRoute(),
    zoomBy: (steps) => map.current?.zoomBy(steps),
  };
}
