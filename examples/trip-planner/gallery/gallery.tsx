import { StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { fold } from '../src/fold.ts';
import type { LoadProgress } from '../src/loading.tsx';
import type { CityRow } from '../src/map/city-index.ts';
import type { MapCursor } from '../src/map/cursor-layer.ts';
import type { StopRow } from '../src/panels/stop-detail.tsx';
import type { SqlOutcome } from '../src/panels/sql-answer.tsx';
import { sqlTables } from '../src/panels/sql-tables.ts';
import { trip as tripRoom } from '../room.ts';
import { MayEdit } from '../src/panels/may-edit.ts';
import { NO_MARKS } from '../src/panels/write-marks.ts';
import { TripView } from '../src/trip-view.tsx';
import { EXAMPLES, ITEMS, NOTES, OTHERS, OUTCOMES, REJECTED, STOP_NAMES } from './scenes.ts';
import { useMemoryTrip } from './memory-trip.ts';

/** What the address asks to be shown: ?scene=loading, ?sql=bars, ?sql=cut, ?still. */
const asked = new URLSearchParams(location.search);

interface Searchable extends CityRow {
  readonly folded: string;
}

async function fetchCities(): Promise<Searchable[]> {
  const columns: { name: string[]; folded: string[]; country: string[]; population: number[]; lat: number[]; lon: number[] } = await (
    await fetch('/cities.json')
  ).json();
  return columns.name.map((name, i) => ({
    id: i + 1,
    name,
    folded: columns.folded[i] ?? '',
    country: columns.country[i] ?? '',
    population: columns.population[i] ?? 0,
    lat: columns.lat[i] ?? 0,
    lon: columns.lon[i] ?? 0,
  }));
}

function firstStops(cities: readonly CityRow[]): StopRow[] {
  return STOP_NAMES.flatMap(([name, country, nights], i) => {
    const city = cities.filter((one) => one.name === name && one.country === country).sort((a, b) => b.population - a.population)[0];
    return city === undefined ? [] : [{ ...city, id: `s${i}`, cityId: city.id, position: `a${i}`, nights }];
  });
}

function search(cities: readonly Searchable[], text: string): CityRow[] {
  const wanted = fold(text);
  if (wanted === '') return [];
  return cities
    .filter((city) => city.folded.startsWith(wanted))
    .sort((a, b) => b.population - a.population)
    .slice(0, 12);
}

/** Four people whose hands wander around the route. */
function useWanderers(): readonly MapCursor[] {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (asked.has('still')) return;
    const timer = setInterval(() => setTurn((n) => n + 1), 50);
    return () => clearInterval(timer);
  }, []);
  return useMemo(
    () =>
      OTHERS.map((person, i) => ({
        ...person,
        lon: person.lon + Math.sin(turn / (17 + i * 5)) * person.reach,
        lat: person.lat + Math.cos(turn / (13 + i * 7)) * person.reach * 0.6,
      })),
    [turn],
  );
}

/** ?scene=away */
const away = asked.get('scene') === 'away' ? Date.now() - 60_000 : null;

const WHO = { others: OTHERS, lastSeenMs: away };
const SAVED = { storage: 'saved', why: '', unsaved: 0, lost: false, onLostRead: () => {}, onForget: async () => null } as const;
const NOTHING_WAITS = { retryAtMs: null, onTry: () => {}, saved: SAVED, isOffline: false, onSwitch: () => {} };
const DONE = [{ key: 'd1', what: 'Add Nara', atMs: Date.UTC(2026, 10, 21, 14, 2, 7) }];
const NO_WRITES = { waiting: [], elsewhere: { pending: 0, waiting: [] }, done: DONE, onSave: () => {} };
const TROUBLE = { sinceMs: away, met: true, kept: true, stopped: false, fault: null, retryAtMs: null, lastWords: null, onTry: () => {} };

/** ?scene=notices */
const NOTICES = {
  lostTail: asked.get('scene') === 'notices' ? { seenVersion: 1_214, version: 1_190, atMs: Date.UTC(2026, 10, 21, 14, 2, 11) } : null,
  waitsForUpdate: asked.get('scene') === 'notices' ? 2 : 0,
};

const LINKS = { edit: `${location.href}#edit`, look: `${location.href}#look` };

const LOADING: LoadProgress = { from: 'room', phase: 'image', bytes: 2_940_000, bytesTotal: 5_120_000, rows: 0, rowsTotal: null };

/** The SQL panel over results that were written down. */
function useDrawnSql() {
  const [outcome, setOutcome] = useState<SqlOutcome>({ status: 'idle' });
  const [text, setText] = useState(EXAMPLES[0]?.sql ?? '');
  const onRun = () => setOutcome(OUTCOMES(text));
  const onStop = () => setOutcome({ status: 'stopped' });
  const [where, onWhere] = useState<'tab' | 'server'>('tab');
  return { examples: EXAMPLES, tables: sqlTables(tripRoom.model), text, onText: setText, where, onWhere, outcome, onRun, onStop };
}

function Gallery({ cities }: { readonly cities: readonly Searchable[] | null }) {
  const loading = asked.get('scene') === 'loading';
  const trip = useMemoryTrip(
    useMemo(() => (cities === null ? [] : firstStops(cities)), [cities]),
    NOTES,
    ITEMS,
  );
  const cursors = useWanderers();
  const [text, setText] = useState('');
  const results = useMemo(() => (cities === null ? [] : search(cities, text)), [cities, text]);
  const [rejected, setRejected] = useState(asked.get('scene') === 'rejected' ? REJECTED : []);
  const rejectedList = {
    writes: rejected,
    onDismiss: (key: string) => setRejected(rejected.filter((one) => one.key !== key)),
    onRetry: () => {},
  };
  const sql = useDrawnSql();
  const [budget, setBudget] = useState(6_400);
  const [name, setName] = useState('Ada');
  return (
    <TripView
      title="Japan 2027"
      links={LINKS}
      load={loading ? LOADING : null}
      cities={loading ? null : cities}
      stops={loading ? [] : trip.stops}
      marks={{ ...NO_MARKS, stops: { ...NO_MARKS.stops, pending: trip.pendingIds } }}
      notes={trip.notes}
      items={loading ? [] : trip.items}
      budget={{
        value: budget,
        pending: false,
        away: away !== null,
        changedBy: asked.has('typing') ? 'Noor' : null,
        onChange: setBudget,
        onSettle: () => {},
      }}
      me={{ sessionId: 'me', name, color: 'slate' }}
      {...WHO}
      cursors={loading ? [] : cursors}
      typing={new Map([['s2', OTHERS.slice(0, 2)]])}
      search={{ text, results, pending: false, onText: setText }}
      sql={sql}
      rejected={rejectedList}
      status={{
        version: 1_214,
        writes: { ...NO_WRITES, pending: trip.pendingIds.size, rejected: rejectedList },
        ...NOTHING_WAITS,
        connection: loading ? 'connecting' : away === null ? 'connected' : 'reconnecting',
        lastSyncMs: Date.UTC(2026, 10, 21, 14, 2, 11),
      }}
      notices={NOTICES}
      trouble={{ ...TROUBLE, waiting: trip.pendingIds.size }}
      actions={{ ...trip.actions, setTyping: () => {}, setCursor: () => {}, rename: setName }}
    />
  );
}

/** ?scene=looking */
const MAY_EDIT = asked.get('scene') !== 'looking';

function Page() {
  const [cities, setCities] = useState<readonly Searchable[] | null>(null);
  useEffect(() => {
    void fetchCities().then(setCities);
  }, []);
  return (
    <MayEdit value={MAY_EDIT}>
      <Gallery cities={cities} />
    </MayEdit>
  );
}

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
