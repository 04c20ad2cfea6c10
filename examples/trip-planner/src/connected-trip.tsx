import { useAccess } from './connected-access.ts';
import { useAway } from './connected-away.ts';
import { useBudget } from './connected-budget.ts';
import { useCompany } from './connected-company.ts';
import { useCities, useTripRows } from './connected-rows.ts';
import { useCitySearch } from './connected-search.ts';
import { useSqlPanel } from './connected-sql.ts';
import { useTripStatus } from './connected-status.ts';
import { useTitle } from './connected-title.ts';
import { keyAtEnd } from './panels/reorder.ts';
import type { Links } from './panels/share.tsx';
import { MayEdit } from './panels/may-edit.ts';
import { randomId } from './random-id.ts';
import { PrivateTrip } from './start/start-page.tsx';
import { tripHooks } from './trip-client.ts';
import { type TripActions, TripView } from './trip-view.tsx';

const { useRoom } = tripHooks;

const ID_CHARACTERS = 16;

const NO_ROWS: readonly never[] = [];

/** Of what a person adds; hard to meet twice. */
const freshId = () => randomId(ID_CHARACTERS);

/** The page of a trip, once the server lets this visitor in or as long as it has not said no. */
export function ConnectedTrip({ id }: { readonly id: string }) {
  const { mayEdit, isShut, links } = useAccess(id);
  if (isShut) return <PrivateTrip id={id} hadKey />;
  return (
    <MayEdit value={mayEdit}>
      <OpenTrip id={id} links={links} />
    </MayEdit>
  );
}

/** The page over a room: every row, person and figure on it is live. */
function OpenTrip({ id, links }: { readonly id: string; readonly links: Links }) {
  const away = useAway();
  const rows = useTripRows();
  const { ready, stops, notes, items } = rows;
  const { title, rename, begun } = useTitle(id, ready, stops.length);
  const cities = useCities();
  const company = useCompany(
    stops.map((stop) => stop.id),
    away.sinceMs,
  );
  const budget = useBudget(company.nameOf);
  const search = useCitySearch();
  const sql = useSqlPanel();
  const { line, trouble, load, marks, rejected, notices } = useTripStatus(ready && begun, cities, rows, away);
  const actions = useActions(stops, company, rename);
  return (
    <TripView
      title={title}
      links={links}
      load={load}
      cities={cities}
      stops={begun ? stops : NO_ROWS}
      marks={marks}
      notes={begun ? notes : NO_ROWS}
      items={items}
      budget={{ ...budget, away: away.sinceMs !== null }}
      me={company.me}
      others={company.others}
      lastSeenMs={company.lastSeenMs}
      cursors={company.cursors}
      typing={company.typing}
      search={search}
      sql={sql}
      rejected={rejected}
      status={line}
      trouble={trouble}
      notices={notices}
      actions={actions}
    />
  );
}

type Company = ReturnType<typeof useCompany>;

function useActions(
  stops: Parameters<typeof keyAtEnd>[0],
  { me, rename, setCursor, setTyping }: Company,
  renameTrip: (title: string) => void,
): TripActions {
  const { mutate } = useRoom();
  // What a mutation comes to stands in the status: pending there, then gone, or rejected with its reason.
  return {
    addStop: (city) => {
      const id = freshId();
      void mutate.addStop({ id, cityId: city.id, position: keyAtEnd(stops), nights: 1 });
      return id;
    },
    moveStop: (id, position) => void mutate.moveStop({ id, position }),
    removeStop: (id) => void mutate.removeStop({ id }),
    restoreStop: ({ id, cityId, position, nights }, notes) => {
      const kept = notes.map(({ id: noteId, body, author, writtenMs, owner }) => ({ id: noteId, body, author, writtenMs, owner }));
      void mutate.restoreStop({ id, cityId, position, nights, notes: kept });
    },
    renameTrip,
    changeNights: (id, by) => void mutate.changeNights({ id, by }),
    addNote: (stopId, body, isPrivate) => void mutate.addNote({ id: freshId(), stopId, body, author: me.name, isPrivate }),
    editNote: (id, was, body) => void mutate.editNote({ id, was, body }),
    keepNote: (id, isPrivate) => void mutate.keepNote({ id, isPrivate }),
    removeNote: (id) => void mutate.removeNote({ id }),
    addItem: (label) => {
      const id = freshId();
      void mutate.addItem({ id, label });
      return id;
    },
    toggleItem: (id, packed) => void mutate.toggleItem({ id, packed }),
    removeItem: (id) => void mutate.removeItem({ id }),
    setTyping,
    setCursor,
    rename,
  };
}
