import { useCallback, useMemo, useState } from 'react';
import { AppLayout } from './app.tsx';
import { type LoadProgress, Loading } from './loading.tsx';
import type { CityRow } from './map/city-index.ts';
import type { MapCursor } from './map/cursor-layer.ts';
import { distanceKm } from './map/great-circle.ts';
import { MapView } from './map/map-view.tsx';
import type { GeoPoint } from './map/projection.ts';
import { BudgetSlider, type BudgetSliderProps } from './panels/budget-slider.tsx';
import { CitySearch, type CitySearchProps } from './panels/city-search.tsx';
import { Itinerary } from './panels/itinerary.tsx';
import { type ItemRow, PackingList } from './panels/packing-list.tsx';
import { People, type Person } from './panels/people.tsx';
import { PlaceCard } from './panels/place-card.tsx';
import { type Links, Share } from './panels/share.tsx';
import { type RemovedStop, UndoSlip } from './panels/undo-slip.tsx';
import { TroubleSlip, type TroubleSlipProps } from './panels/trouble-slip.tsx';
import { NoticeSlips, type NoticeSlipsProps } from './panels/notice-slips.tsx';
import type { TripMarks } from './panels/write-marks.ts';
import { RejectedList, type RejectedListProps } from './panels/rejected-list.tsx';
import { SqlPanel, type SqlPanelProps } from './panels/sql-panel.tsx';
import { StatusLine, type StatusLineProps } from './panels/status-line.tsx';
import type { NoteRow } from './panels/note.tsx';
import type { StopRow } from './panels/stop-detail.tsx';
import { formatKm, plural } from './panels/words.ts';
import { type Page, usePage } from './use-page.ts';
import { useTheme } from './use-theme.ts';

/** What a hand on the page asks of the room. */
export interface TripActions {
  /** Returns the new stop's id. */
  addStop(city: CityRow): string;
  moveStop(id: string, position: string): void;
  removeStop(id: string): void;
  /** Takes a removal back. */
  restoreStop(stop: StopRow, notes: readonly NoteRow[]): void;
  renameTrip(title: string): void;
  /** So many more; fewer where it is negative. */
  changeNights(id: string, by: number): void;
  addNote(stopId: string, body: string, isPrivate: boolean): void;
  /** `was`: what stood there when its writer began. */
  editNote(id: string, was: string, body: string): void;
  /** To oneself, or not. */
  keepNote(id: string, isPrivate: boolean): void;
  removeNote(id: string): void;
  /** Returns the new thing's id. */
  addItem(label: string): string;
  toggleItem(id: string, packed: boolean): void;
  removeItem(id: string): void;
  setTyping(stopId: string, typing: boolean): void;
  setCursor(place: GeoPoint | null): void;
  rename(name: string): void;
}

export interface TripViewProps {
  readonly title: string;
  readonly links: Links;
  /** Null once the trip can be used. */
  readonly load: LoadProgress | null;
  readonly cities: readonly CityRow[] | null;
  readonly stops: readonly StopRow[];
  readonly marks: TripMarks;
  readonly notes: readonly NoteRow[];
  readonly items: readonly ItemRow[];
  readonly budget: Omit<BudgetSliderProps, 'nights'>;
  readonly me: Person;
  readonly others: readonly Person[];
  /** While this page is away: since when it does not know who is here. */
  readonly lastSeenMs: number | null;
  readonly cursors: readonly MapCursor[];
  /** Who is writing a note on which stop. */
  readonly typing: ReadonlyMap<string, readonly Person[]>;
  readonly search: Omit<CitySearchProps, 'onChoose' | 'total' | 'field'>;
  readonly sql: Omit<SqlPanelProps, 'onClose'>;
  readonly rejected: RejectedListProps;
  readonly status: StatusLineProps;
  readonly trouble: TroubleSlipProps;
  readonly notices: NoticeSlipsProps;
  readonly actions: TripActions;
}

/** The whole page over plain rows and callbacks: whatever supplies them, a room or a list in memory. */
export function TripView(props: TripViewProps) {
  const { title, load, cities, stops, items } = props;
  const [theme, setTheme] = useTheme();
  const page = usePage(props);
  const figures = useFigures(stops);
  const [removed, setRemoved] = useState<RemovedStop | null>(null);
  const forgetRemoved = useCallback(() => setRemoved(null), []);
  const packed = items.filter((item) => item.packed).length;
  return (
    <AppLayout
      title={title}
      onRename={props.actions.renameTrip}
      figures={load === null ? figuresOf(stops.length, figures) : ''}
      packed={items.length === 0 ? '' : `${packed} of ${items.length}`}
      part={page.part}
      onPart={page.setPart}
      sqlOpen={page.sqlOpen}
      onSql={page.setSqlOpen}
      theme={theme}
      onTheme={setTheme}
      onShowRoute={page.showRoute}
      onZoom={page.zoomBy}
      share={<Share title={title} links={props.links} />}
      people={<Company {...props} onFollow={page.follow} />}
      search={<CitySearch {...props.search} field={page.search} total={cities?.length ?? null} onChoose={page.chooseCity} />}
      loading={load !== null && <Loading title={title} progress={load} />}
      route={
        load === null && (
          <Route
            {...props}
            selectedId={page.selectedId}
            addedId={page.addedId}
            legsKm={figures.legsKm}
            onSelect={page.selectStop}
            onRemoved={setRemoved}
          />
        )
      }
      packing={load === null && <Packing {...props} />}
      budget={load === null && <BudgetSlider {...props.budget} nights={figures.nights} />}
      sql={page.sqlOpen && <SqlPanel {...props.sql} onClose={page.closeSql} />}
      status={<StatusLine {...props.status} />}
      map={<TripMap {...props} theme={theme} page={page} />}
      slips={
        <>
          <TroubleSlip {...props.trouble} />
          <RejectedList {...props.rejected} />
          <NoticeSlips {...props.notices} />
          <Place {...props} page={page} />
          {removed !== null && <Undo removed={removed} actions={props.actions} onClose={forgetRemoved} />}
        </>
      }
    />
  );
}

function TripMap({ cities, stops, cursors, actions, theme, page }: TripViewProps & { readonly theme: string; readonly page: Page }) {
  return (
    <MapView
      ref={page.map}
      cities={cities}
      stops={stops}
      cursors={cursors}
      selectedStopId={page.selectedId}
      place={page.place}
      theme={theme}
      onPick={page.pick}
      onPointer={actions.setCursor}
    />
  );
}

function Company({
  me,
  others,
  lastSeenMs,
  cursors,
  actions,
  onFollow,
}: TripViewProps & { readonly onFollow: (sessionId: string) => void }) {
  const cursorOf = (sessionId: string) => cursors.some((one) => one.sessionId === sessionId);
  return <People me={me} others={others} lastSeenMs={lastSeenMs} onRename={actions.rename} onFollow={onFollow} cursorOf={cursorOf} />;
}

function Packing({ items, marks, rejected, actions }: TripViewProps) {
  const [addedId, setAddedId] = useState<string | null>(null);
  return (
    <PackingList
      items={items}
      marks={marks.items}
      addedId={addedId}
      onAdd={(label) => setAddedId(actions.addItem(label))}
      onToggle={actions.toggleItem}
      onRemove={actions.removeItem}
      onDismiss={rejected.onDismiss}
    />
  );
}

function Route(
  props: TripViewProps & {
    readonly selectedId: string | null;
    readonly addedId: string | null;
    readonly legsKm: readonly number[];
    readonly onSelect: (id: string | null) => void;
    readonly onRemoved: (removed: RemovedStop) => void;
  },
) {
  const { actions, selectedId } = props;
  const remove = (id: string) => {
    const stop = props.stops.find((one) => one.id === id);
    actions.removeStop(id);
    if (stop !== undefined) props.onRemoved({ stop, notes: props.notes.filter((note) => note.stopId === id && !note.isPrivate) });
  };
  return (
    <Itinerary
      stops={props.stops}
      legsKm={props.legsKm}
      notes={props.notes}
      selectedId={selectedId}
      marks={props.marks}
      addedId={props.addedId}
      nameOfCity={(id) => props.cities?.find((city) => city.id === id)?.name ?? 'A stop'}
      onDismiss={props.rejected.onDismiss}
      typing={(selectedId === null ? undefined : props.typing.get(selectedId)) ?? []}
      onSelect={props.onSelect}
      onMove={actions.moveStop}
      onChangeNights={actions.changeNights}
      onRemove={remove}
      onAddNote={actions.addNote}
      onEditNote={actions.editNote}
      onKeepNote={actions.keepNote}
      onRemoveNote={actions.removeNote}
      onTyping={(typing) => selectedId !== null && actions.setTyping(selectedId, typing)}
    />
  );
}

function Undo({
  removed,
  actions,
  onClose,
}: {
  readonly removed: RemovedStop;
  readonly actions: TripActions;
  readonly onClose: () => void;
}) {
  const undo = () => {
    actions.restoreStop(removed.stop, removed.notes);
    onClose();
  };
  return <UndoSlip removed={removed} onUndo={undo} onClose={onClose} />;
}

function Place({ stops, actions, search, page }: TripViewProps & { readonly page: Page }) {
  const { place, placeFrom, closePlace } = page;
  if (place === null) return null;
  const at = stops.findIndex((stop) => stop.cityId === place.id);
  const add = () => {
    page.stopAdded(actions.addStop(place));
    // The next city is a word away.
    if (placeFrom === 'search') search.onText('');
    closePlace();
  };
  return (
    <PlaceCard city={place} stopNumber={at === -1 ? null : at + 1} takesKeyboard={placeFrom !== 'map'} onAdd={add} onClose={closePlace} />
  );
}

function figuresOf(count: number, { nights, km }: { readonly nights: number; readonly km: number }): string {
  return count === 0 ? 'Nothing planned yet' : `${plural(count, 'stop')}, ${plural(nights, 'night')}, ${formatKm(km)}`;
}

function useFigures(stops: readonly StopRow[]) {
  return useMemo(() => {
    const legsKm = stops.slice(1).map((stop, i) => distanceKm(stops[i] ?? stop, stop));
    return { legsKm, km: legsKm.reduce((sum, km) => sum + km, 0), nights: stops.reduce((sum, stop) => sum + stop.nights, 0) };
  }, [stops]);
}
