import { useEffect, useState } from 'react';
import type { CityRow } from '../src/map/city-index.ts';
import type { StopRow } from '../src/panels/stop-detail.tsx';
import type { ItemRow } from '../src/panels/packing-list.tsx';
import { keyAtEnd } from '../src/panels/reorder.ts';
import type { NoteRow } from '../src/panels/note.tsx';

const byPosition = (a: StopRow, b: StopRow) => (a.position < b.position ? -1 : 1);

/** A trip without a room: the same rows and actions, held in this page alone. New stops stay pending, so that the state can be looked at. */
export function useMemoryTrip(first: readonly StopRow[], firstNotes: readonly NoteRow[], firstItems: readonly ItemRow[]) {
  const [stops, setStops] = useState(first);
  const [notes, setNotes] = useState(firstNotes);
  const [items, setItems] = useState(firstItems);
  const [pendingIds, setPendingIds] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setStops(first), [first]);

  const changeStop = (id: string, change: Partial<StopRow>) =>
    setStops((all) => all.map((stop) => (stop.id === id ? { ...stop, ...change } : stop)).sort(byPosition));
  const actions = {
    addStop: (city: CityRow) => {
      const id = crypto.randomUUID();
      setStops((all) => [...all, { ...city, id, cityId: city.id, position: keyAtEnd(all), nights: 1 }]);
      setPendingIds((all) => new Set([...all, id]));
      return id;
    },
    moveStop: (id: string, position: string) => changeStop(id, { position }),
    changeNights: (id: string, by: number) =>
      setStops((all) => all.map((stop) => (stop.id === id ? { ...stop, nights: stop.nights + by } : stop))),
    removeStop: (id: string) => setStops((all) => all.filter((stop) => stop.id !== id)),
    restoreStop: (stop: StopRow, kept: readonly NoteRow[]) => {
      setStops((all) => [...all, stop].sort(byPosition));
      setNotes((all) => [...all.filter((note) => note.stopId !== stop.id), ...kept]);
    },
    renameTrip: () => {},
    addNote: (stopId: string, body: string, isPrivate: boolean) => {
      const written = {
        id: crypto.randomUUID(),
        stopId,
        body,
        author: 'Ada',
        writtenMs: Date.now(),
        owner: 'Ada',
        isPrivate,
        isMine: true,
      };
      setNotes((all) => [...all, written]);
    },
    editNote: (id: string, _was: string, body: string) => setNotes((all) => all.map((note) => (note.id === id ? { ...note, body } : note))),
    keepNote: (id: string, isPrivate: boolean) => setNotes((all) => all.map((note) => (note.id === id ? { ...note, isPrivate } : note))),
    removeNote: (id: string) => setNotes((all) => all.filter((note) => note.id !== id)),
    addItem: (label: string) => {
      const id = crypto.randomUUID();
      setItems((all) => [...all, { id, label, packed: false }]);
      return id;
    },
    toggleItem: (id: string, packed: boolean) => setItems((all) => all.map((item) => (item.id === id ? { ...item, packed } : item))),
    removeItem: (id: string) => setItems((all) => all.filter((item) => item.id !== id)),
  };
  return { stops, notes, items, pendingIds, actions };
}
