import { useEffect, useRef } from 'react';
import type { Person } from './people.tsx';
import { type NoteRow, type StopActions, StopDetail, type StopRow } from './stop-detail.tsx';
import { type Reorder, useReorder } from './use-reorder.ts';
import { countryName, formatKm, plural } from './words.ts';

export interface ItineraryProps extends StopActions {
  readonly stops: readonly StopRow[];
  /** Kilometres from each stop to the next: one fewer than stops. */
  readonly legsKm: readonly number[];
  readonly notes: readonly NoteRow[];
  readonly selectedId: string | null;
  /** Stops with changes the room has not confirmed. */
  readonly pendingIds: ReadonlySet<string>;
  /** Who is writing a note on the selected stop. */
  readonly typing: readonly Person[];
  readonly onSelect: (id: string | null) => void;
  readonly onMove: (id: string, position: string) => void;
}

/** The route as a list: the map's own line runs on beside the stops. */
export function Itinerary(props: ItineraryProps) {
  const { stops, onMove } = props;
  const list = useRef<HTMLOListElement>(null);
  const reorder = useReorder(stops, list, onMove);
  if (stops.length === 0) {
    return <p className="empty">No stops yet. Search for a city, or press one on the map.</p>;
  }
  return (
    <>
      <p id="reorder-keys" className="unseen">
        Drag to reorder, or press the up and down arrow keys.
      </p>
      <ol ref={list} className={reorder.dragged === null ? 'stops' : 'stops is-sorting'}>
        {stops.map((stop, index) => (
          <Stop key={stop.id} stop={stop} index={index} reorder={reorder} {...props} />
        ))}
      </ol>
    </>
  );
}

interface StopProps extends ItineraryProps {
  readonly stop: StopRow;
  readonly index: number;
  readonly reorder: Reorder;
}

function Stop(props: StopProps) {
  const { stop, index, reorder, stops, legsKm, notes, selectedId, pendingIds, onSelect } = props;
  const open = stop.id === selectedId;
  const mine = notes.filter((note) => note.stopId === stop.id);
  const km = legsKm[index];
  const offset = reorder.offset(index);
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) row.current?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  const state = [open ? 'is-open' : '', reorder.dragged === stop.id ? 'is-dragged' : '', pendingIds.has(stop.id) ? 'is-pending' : ''].join(
    ' ',
  );
  return (
    <li ref={row} className={`stop ${state}`} style={offset === 0 ? undefined : { transform: `translateY(${offset}px)` }}>
      <div className="stop-head">
        <button type="button" className="stop-name bare" aria-expanded={open} onClick={() => onSelect(open ? null : stop.id)}>
          <span className="disc">{index + 1}</span>
          <span className="stop-words">
            <strong>{stop.name}</strong>
            <span>
              {countryName(stop.country)}, {plural(stop.nights, 'night')}
              {mine.length > 0 && `, ${plural(mine.length, 'note')}`}
            </span>
          </span>
        </button>
        <button
          type="button"
          className="handle bare"
          data-handle={stop.id}
          aria-label={`Move ${stop.name}, stop ${index + 1} of ${stops.length}`}
          aria-describedby="reorder-keys"
          {...reorder.handle(stop.id)}
        >
          <Grip />
        </button>
      </div>
      {open && <StopDetail {...props} stop={stop} notes={mine} />}
      {km !== undefined && <p className="leg">{formatKm(km)}</p>}
    </li>
  );
}

function Grip() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 5.5h12M2 10.5h12" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
    </svg>
  );
}
