import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import type { CityRow } from './map/city-index.ts';
import type { MapCursor } from './map/cursor-layer.ts';
import type { Picked } from './map/map-scene.ts';
import type { GeoPoint } from './map/projection.ts';
import type { MapHandle } from './map/use-scene.ts';
import { onTouch } from './on-touch.ts';

/** The parts of the sheet; on a phone one at a time, on a wide screen the budget stands below the other two. */
export type Part = 'route' | 'packing' | 'budget';

/** `map` by a hand on it, which stays there; `keys` by the map's keys. */
export type PlaceFrom = 'search' | 'map' | 'keys';

/** What this page shows just now and nobody else needs to know: the open part, the selected stop, the city under the glass. */
export interface Page {
  readonly map: RefObject<MapHandle | null>;
  readonly search: RefObject<HTMLInputElement | null>;
  readonly part: Part;
  readonly setPart: (part: Part) => void;
  readonly sqlOpen: boolean;
  readonly setSqlOpen: (open: boolean) => void;
  /** From inside the panel: the keyboard goes back to the button that opens it. */
  readonly closeSql: () => void;
  readonly selectedId: string | null;
  /** The stop that was put on the route here last: the list shows it. */
  readonly addedId: string | null;
  readonly stopAdded: (id: string) => void;
  readonly place: CityRow | null;
  /** Where the card was opened: there the keyboard goes back to. */
  readonly placeFrom: PlaceFrom;
  readonly closePlace: () => void;
  /** From the list: shows the stop on the map too. */
  readonly selectStop: (id: string | null) => void;
  /** From the map: a stop opens in the list, a city as a card, empty paper closes the card. */
  readonly pick: (picked: Picked | null, byKey?: boolean) => void;
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
  const search = useRef<HTMLInputElement>(null);
  const go = useGoal(map);
  const card = useCard(map, search, go);

  const selectStop = (id: string | null) => {
    setSelectedId(id);
    card.hide();
    const stop = stops.find((one) => one.id === id);
    if (stop !== undefined) go({ at: stop, how: 'fly' });
  };
  const pick = (picked: Picked | null, byKey = false) => {
    if (picked?.kind === 'city') return card.open(picked.city, byKey ? 'keys' : 'map');
    card.hide();
    if (picked?.kind !== 'stop') return;
    setSelectedId(picked.stop.id);
    setPart('route');
  };
  const follow = (sessionId: string) => {
    const cursor = cursors.find((one) => one.sessionId === sessionId);
    if (cursor !== undefined) go({ at: cursor, how: 'fly' });
  };
  return {
    map,
    search,
    part,
    setPart,
    sqlOpen,
    setSqlOpen,
    closeSql: () => {
      setSqlOpen(false);
      focusSqlSwitch();
    },
    selectedId,
    ...useAdded(setPart),
    place: card.place,
    placeFrom: card.from,
    closePlace: card.close,
    selectStop,
    pick,
    chooseCity: (city) => card.open(city, 'search'),
    follow,
    showRoute: () => map.current?.showRoute(),
    zoomBy: (steps) => map.current?.zoomBy(steps),
  };
}

function focusSqlSwitch(): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-sql-switch]')) if (button.checkVisibility()) button.focus();
}

/** The card of a city: where it was opened, and how the keyboard gets back there. */
function useCard(map: RefObject<MapHandle | null>, search: RefObject<HTMLInputElement | null>, go: (goal: Goal) => void) {
  const [place, setPlace] = useState<CityRow | null>(null);
  const [from, setFrom] = useState<PlaceFrom>('map');
  return {
    place,
    from,
    open: (city: CityRow, by: PlaceFrom) => {
      setPlace(city);
      setFrom(by);
      go({ at: city, how: by === 'search' ? 'fly' : 'reveal' });
    },
    /** Something else takes its place: the keyboard stays where it is. */
    hide: () => setPlace(null),
    close: () => {
      setPlace(null);
      if (from === 'search' && !onTouch()) search.current?.focus();
      else map.current?.focus();
    },
  };
}

/** What was put on the route last; adding brings the route to the front. */
function useAdded(setPart: (part: Part) => void): Pick<Page, 'addedId' | 'stopAdded'> {
  const [addedId, setAddedId] = useState<string | null>(null);
  const stopAdded = (id: string) => {
    setAddedId(id);
    setPart('route');
  };
  return { addedId, stopAdded };
}

interface Goal {
  readonly at: GeoPoint;
  /** `reveal` moves the map only as far as it has to. */
  readonly how: 'fly' | 'reveal';
}

/** Moves the map once the page has drawn what lies on it: a place is brought to where nothing covers it. */
function useGoal(map: RefObject<MapHandle | null>): (goal: Goal) => void {
  const [goal, setGoal] = useState<Goal | null>(null);
  useLayoutEffect(() => {
    if (goal === null) return;
    if (goal.how === 'fly') map.current?.flyTo(goal.at);
    else map.current?.reveal(goal.at);
  }, [map, goal]);
  return setGoal;
}
