import { useMemo, useRef, useState } from 'react';
import { AppLayout, type Part } from './app.tsx';
import { type LoadProgress, Loading } from './loading.tsx';
import type { CityRow } from './map/city-index.ts';
import type { MapCursor } from './map/cursor-layer.ts';
import { distanceKm } from './map/great-circle.ts';
import type { Picked } from './map/map-scene.ts';
import { type MapHandle, MapView } from './map/map-view.tsx';
import type { GeoPoint } from './map/projection.ts';
import { BudgetSlider, type BudgetSliderProps } from './panels/budget-slider.tsx';
import { CitySearch, type CitySearchProps } from './panels/city-search.tsx';
import { Itinerary, type StopRow } from './panels/itinerary.tsx';
import { type ItemRow, PackingList } from './panels/packing-list.tsx';
import { People, type Person } from './panels/people.tsx';
import { PlaceCard } from './panels/place-card.tsx';
import { RejectedList, type RejectedListProps } from './panels/rejected-list.tsx';
import { SqlPanel, type SqlPanelProps } from './panels/sql-panel.tsx';
import { StatusLine, type StatusLineProps } from './panels/status-line.tsx';
import type { NoteRow } from './panels/stop-detail.tsx';
import { formatKm, plural } from './panels/words.ts';
import { useTheme } from './use-theme.ts';

/** What a hand on the page asks of the room. */
export interface TripActions {
  addStop(city: CityRow): void;
  moveStop(id: string, position: string): void;
  removeStop(id: string): void;
  setNights(id: string, nights: number): void;
  addNote(stopId: string, body: string): void;
  editNote(id: string, body: string): void;
  removeNote(id: string): void;
  addItem(label: string): void;
  toggleItem(id: string, packed: boolean): void;
  removeItem(id: string): void;
  setTyping(stopId: string, typing: boolean): void;
  setCursor(place: GeoPoint | null): void;
  rename(name: string): void;
}

export interface TripViewProps {
  readonly title: string;
  /** Null once the trip can be used. */
  readonly load: LoadProgress | null;
  readonly cities: readonly CityRow[] | null;
  readonly stops: readonly StopRow[];
  readonly pendingStopIds: ReadonlySet<string>;
  readonly notes: readonly NoteRow[];
  readonly items: readonly ItemRow[];
  readonly budget: Omit<BudgetSliderProps, 'nights'>;
  readonly me: Person;
  readonly others: readonly Person[];
  readonly cursors: readonly MapCursor[];
  /** Who is writing a note on which stop. */
  readonly typing: ReadonlyMap<string, readonly Person[]>;
  readonly search: Omit<CitySearchProps, 'onChoose' | 'total'>;
  readonly sql: Omit<SqlPanelProps, 'onClose'>;
  readonly rejected: RejectedListProps;
  readonly status: StatusLineProps;
  readonly actions: TripActions;
}

/** The whole page over plain rows and callbacks: whatever supplies them, a room or a list in memory. */
export function TripView(props: TripViewProps) {
  const { title, load, cities, stops, cursors, actions, rejected, status, items } = props;
  const [theme, setTheme] = useTheme();
  const map = useRef<MapHandle>(null);
  const [part, setPart] = useState<Part>('route');
  const [sqlOpen, setSqlOpen] = useState(false);
  const [selectedId, setSelectedId] = useState<string | null>(null);
  const [place, setPlace] = useState<CityRow | null>(null);
  const figures = useFigures(stops);

  const selectStop = (id: string | null) => {
    setSelectedId(id);
    setPlace(null);
    const stop = stops.find((one) => one.id === id);
    if (stop !== undefined) map.current?.flyTo(stop);
  };
  const onPick = (picked: Picked | null) => {
    setPlace(picked?.kind === 'city' ? picked.city : null);
    if (picked?.kind !== 'stop') return;
    setSelectedId(picked.stop.id);
    setPart('route');
  };
  const chooseCity = (city: CityRow) => {
    setPlace(city);
    map.current?.flyTo(city, true);
  };
  const followed = (sessionId: string) => {
    const cursor = cursors.find((one) => one.sessionId === sessionId);
    if (cursor !== undefined) map.current?.flyTo(cursor);
  };
  const packed = items.filter((item) => item.packed).length;
  return (
    <AppLayout
      title={title}
      figures={load === null ? `${plural(stops.length, 'stop')}, ${plural(figures.nights, 'night')}, ${formatKm(figures.km)}` : ''}
      packed={items.length === 0 ? '' : `${packed} of ${items.length}`}
      part={part}
      onPart={setPart}
      sqlOpen={sqlOpen}
      onSql={setSqlOpen}
      theme={theme}
      onTheme={setTheme}
      onShowRoute={() => map.current?.showRoute()}
      onZoom={(steps) => map.current?.zoomBy(steps)}
      people={
        <People
          me={props.me}
          others={props.others}
          onRename={actions.rename}
          onFollow={followed}
          cursorOf={(id) => cursors.some((one) => one.sessionId === id)}
        />
      }
      search={<CitySearch {...props.search} total={cities?.length ?? null} onChoose={chooseCity} />}
      loading={load !== null && <Loading title={title} progress={load} />}
      route={load === null && <Route {...props} selectedId={selectedId} legsKm={figures.legsKm} onSelect={selectStop} />}
      packing={
        load === null && <PackingList items={items} onAdd={actions.addItem} onToggle={actions.toggleItem} onRemove={actions.removeItem} />
      }
      budget={load === null && <BudgetSlider {...props.budget} nights={figures.nights} />}
      sql={sqlOpen ? <SqlPanel {...props.sql} onClose={() => setSqlOpen(false)} /> : null}
      status={<StatusLine {...status} />}
      map={
        <MapView
          ref={map}
          cities={cities}
          stops={stops}
          cursors={cursors}
          selectedStopId={selectedId}
          place={place}
          theme={theme}
          onPick={onPick}
          onPointer={actions.setCursor}
        />
      }
      slips={
        <>
          <RejectedList {...rejected} />
          {place !== null && <Place place={place} stops={stops} onAdd={actions.addStop} onClose={() => setPlace(null)} />}
        </>
      }
    />
  );
}

function Route(
  props: TripViewProps & {
    readonly selectedId: string | null;
    readonly legsKm: readonly number[];
    readonly onSelect: (id: string | null) => void;
  },
) {
  const { actions, selectedId } = props;
  return (
    <Itinerary
      stops={props.stops}
      legsKm={props.legsKm}
      notes={props.notes}
      selectedId={selectedId}
      pendingIds={props.pendingStopIds}
      typing={(selectedId === null ? undefined : props.typing.get(selectedId)) ?? []}
      onSelect={props.onSelect}
      onMove={actions.moveStop}
      onSetNights={actions.setNights}
      onRemove={actions.removeStop}
      onAddNote={actions.addNote}
      onEditNote={actions.editNote}
      onRemoveNote={actions.removeNote}
      onTyping={(typing) => selectedId !== null && actions.setTyping(selectedId, typing)}
    />
  );
}

function Place({
  place,
  stops,
  onAdd,
  onClose,
}: {
  readonly place: CityRow;
  readonly stops: readonly StopRow[];
  readonly onAdd: (city: CityRow) => void;
  readonly onClose: () => void;
}) {
  const at = stops.findIndex((stop) => stop.cityId === place.id);
  const add = () => {
    onAdd(place);
    onClose();
  };
  return <PlaceCard city={place} stopNumber={at === -1 ? null : at + 1} onAdd={add} onClose={onClose} />;
}

function useFigures(stops: readonly StopRow[]) {
  return useMemo(() => {
    const legsKm = stops.slice(1).map((stop, i) => distanceKm(stops[i] ?? stop, stop));
    return { legsKm, km: legsKm.reduce((sum, km) => sum + km, 0), nights: stops.reduce((sum, stop) => sum + stop.nights, 0) };
  }, [stops]);
}
