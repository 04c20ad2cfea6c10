import { useBudget } from './connected-budget.ts';
import { useCompany } from './connected-company.ts';
import { useCities, useTripRows } from './connected-rows.ts';
import { useCitySearch } from './connected-search.ts';
import { useSqlPanel } from './connected-sql.ts';
import { useTripStatus } from './connected-status.ts';
import { Trouble } from './connected-trouble.tsx';
import { keyAtEnd } from './panels/reorder.ts';
import { randomId } from './random-id.ts';
import { tripHooks } from './trip-client.ts';
import { type TripActions, TripView } from './trip-view.tsx';

const { useRoom } = tripHooks;

const STOP_ID_CHARACTERS = 16;

/** The page over a room: every row, person and figure on it is live. */
export function ConnectedTrip({ title }: { readonly title: string }) {
  const { ready, stops, notes, items } = useTripRows();
  const cities = useCities();
  const company = useCompany(stops.map((stop) => stop.id));
  const budget = useBudget(company.nameOf);
  const search = useCitySearch();
  const sql = useSqlPanel();
  const { line, load, pendingStopIds, rejected } = useTripStatus(ready, cities, stops);
  const actions = useActions(stops, company);
  return (
    <>
      <TripView
        title={title}
        load={load}
        cities={cities}
        stops={stops}
        pendingStopIds={pendingStopIds}
        notes={notes}
        items={items}
        budget={budget}
        me={company.me}
        others={company.others}
        cursors={company.cursors}
        typing={company.typing}
        search={search}
        sql={sql}
        rejected={rejected}
        status={line}
        actions={actions}
      />
      <Trouble />
    </>
  );
}

type Company = ReturnType<typeof useCompany>;

function useActions(stops: Parameters<typeof keyAtEnd>[0], { me, rename, setCursor, setTyping }: Company): TripActions {
  const { mutate } = useRoom();
  // What a mutation comes to stands in the status: pending there, then gone, or rejected with its reason.
  return {
    addStop: (city) => void mutate.addStop({ id: randomId(STOP_ID_CHARACTERS), cityId: city.id, position: keyAtEnd(stops), nights: 1 }),
    moveStop: (id, position) => void mutate.moveStop({ id, position }),
    removeStop: (id) => void mutate.removeStop({ id }),
    setNights: (id, nights) => void mutate.setNights({ id, nights }),
    addNote: (stopId, body) => void mutate.addNote({ stopId, body, author: me.name }),
    editNote: (id, body) => void mutate.editNote({ id, body }),
    removeNote: (id) => void mutate.removeNote({ id }),
    addItem: (label) => void mutate.addItem({ label }),
    toggleItem: (id, packed) => void mutate.toggleItem({ id, packed }),
    removeItem: (id) => void mutate.removeItem({ id }),
    setTyping,
    setCursor,
    rename,
  };
}
