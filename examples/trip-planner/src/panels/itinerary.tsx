import { useEffect, useRef } from 'react';
import { PendingMark, RefusedMark, RefusedRowMark } from './mark.tsx';
import { useMayEdit } from './may-edit.ts';
import { rowsWithRefused } from './refused-rows.ts';
import type { RefusedRow, TripMarks } from './write-marks.ts';
import type { Person } from './people.tsx';
import type { NoteRow } from './note.tsx';
import { type StopActions, StopDetail, type StopRow } from './stop-detail.tsx';
import { StrandedNotes } from './stranded-notes.tsx';
import { type Reorder, useReorder } from './use-reorder.ts';
import { countryName, formatKm, plural } from './words.ts';

export interface ItineraryProps extends StopActions {
  readonly stops: readonly StopRow[];
  /** Kilometres from each stop to the next: one fewer than stops. */
  readonly legsKm: readonly number[];
  readonly notes: readonly NoteRow[];
  readonly selectedId: string | null;
  readonly marks: TripMarks;
  /** The stop that was added here last: the list shows it. */
  readonly addedId: string | null;
  readonly nameOfCity: (id: number | null) => string;
  /** Who is writing a note on the selected stop. */
  readonly typing: readonly Person[];
  readonly onSelect: (id: string | null) => void;
  readonly onMove: (id: string, position: string) => void;
  /** Takes the sign of a refused write away. */
  readonly onDismiss: (key: string) => void;
}

/** The route as a list: the map's own line runs on beside the stops. */
export function Itinerary(props: ItineraryProps) {
  const { stops, notes, marks, onMove } = props;
  const mayEdit = useMayEdit();
  const stranded = (
    <StrandedNotes {...props} notes={notes.filter((note) => note.isPrivate && !stops.some(({ id }) => id === note.stopId))} />
  );
  const list = useRef<HTMLOListElement>(null);
  const reorder = useReorder(stops, list, onMove);
  if (stops.length === 0 && marks.stops.refusedRows.length === 0) {
    return (
      <>
        <p className="empty">No stops yet.{mayEdit && ' Search for a city or press one on the map, then add it to the route.'}</p>
        {stranded}
      </>
    );
  }
  return (
    <>
      <p id="reorder-keys" className="unseen">
        Drag to reorder, or press the up and down arrow keys.
      </p>
      <ol ref={list} className={reorder.dragged === null ? 'stops' : 'stops is-sorting'}>
        {rowsWithRefused(reorder.rows, marks.stops.refusedRows).map((row) =>
          row.kind === 'stop' ? (
            <Stop key={row.stop.id} stop={row.stop} index={row.index} reorder={reorder} {...props} />
          ) : (
            <RefusedStop key={row.refused.key} refused={row.refused} {...props} />
          ),
        )}
      </ol>
      {stranded}
    </>
  );
}

interface StopProps extends ItineraryProps {
  readonly stop: StopRow;
  readonly index: number;
  readonly reorder: Reorder<StopRow>;
}

function Stop(props: StopProps) {
  const { stop, index, reorder, stops, legsKm, notes, selectedId, addedId, marks, onSelect } = props;
  const open = stop.id === selectedId;
  const mayEdit = useMayEdit();
  const mine = notes.filter((note) => note.stopId === stop.id);
  const km = legsKm[index];
  const offset = reorder.offset(index);
  const row = useRef<HTMLLIElement>(null);
  const isNew = stop.id === addedId;
  const pending = marks.stops.pending.has(stop.id) || mine.some((note) => marks.notes.pending.has(note.id));
  const refused = marks.stops.refused.has(stop.id) || marks.notes.refusedRows.some((one) => one.stopId === stop.id);
  useEffect(() => {
    if (open || isNew) row.current?.scrollIntoView({ block: 'nearest' });
  }, [open, isNew]);
  const state = [open ? 'is-open' : '', reorder.dragged === stop.id ? 'is-dragged' : '', isNew ? 'is-new' : ''].join(' ');
  return (
    <li
      ref={row}
      data-row={stop.id}
      className={`stop ${state}`}
      style={offset === 0 ? undefined : { transform: `translateY(${offset}px)` }}
    >
      <div className="stop-head">
        <button type="button" className="stop-name bare" aria-expanded={open} onClick={() => onSelect(open ? null : stop.id)}>
          <span className="disc">{index + 1}</span>
          <span className="stop-words">
            <strong dir="auto">{stop.name}</strong>
            <span>
              {countryName(stop.country)}, {plural(stop.nights, 'night')}
              {mine.length > 0 && `, ${plural(mine.length, 'note')}`}
            </span>
          </span>
        </button>
        {pending && <PendingMark />}
        {mayEdit && (
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
        )}
      </div>
      {refused && !open && (
        <p className="stop-said">
          <RefusedMark />
        </p>
      )}
      {open && <StopDetail {...props} stop={stop} notes={mine} />}
      {km !== undefined && <p className="leg">{formatKm(km)}</p>}
    </li>
  );
}

/** A stop that was to be there. */
function RefusedStop({
  refused,
  nameOfCity,
  onDismiss,
}: Pick<ItineraryProps, 'nameOfCity' | 'onDismiss'> & { readonly refused: RefusedRow }) {
  const name = nameOfCity(refused.cityId);
  return (
    <li className="stop-refused is-refused">
      <span className="disc" aria-hidden="true">
        ×
      </span>
      <p dir="auto">{name}</p>
      <RefusedRowMark name={name} onDismiss={() => onDismiss(refused.key)} />
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
