import { useEffect, useRef } from 'react';
import { rememberTrip } from './start/known-trips.ts';
import { wishesDone, wishesFor } from './start/fresh-trip.ts';
import { titleOfTrip } from './trip-address.ts';
import { tripHooks } from './trip-client.ts';

const { useDebouncedValue, useRoom } = tripHooks;

/** What the trip is called: as somebody named it, else by its address. The browser's tab and its list of trips follow. */
export function useTitle(id: string, ready: boolean): string {
  const [named] = useDebouncedValue('title');
  const title = named ?? wishesFor(id)?.title ?? titleOfTrip(id);
  useEffect(() => {
    document.title = title;
    if (ready) rememberTrip({ id, title, openedMs: Date.now() });
  }, [id, title, ready]);
  useWishes(id, ready);
  return title;
}

/** Does once, in a trip that has just come, what its starter wished. */
function useWishes(id: string, ready: boolean): void {
  const room = useRoom();
  const [, setTitle, { flush }] = useDebouncedValue('title');
  const [, setBudget] = useDebouncedValue('budget');
  const done = useRef(false);
  useEffect(() => {
    const wishes = ready && !done.current ? wishesFor(id) : null;
    if (wishes === null) return;
    done.current = true;
    if (wishes.title !== null) {
      setTitle(wishes.title);
      flush();
    }
    if (!wishes.empty) return wishesDone(id);
    setBudget(0);
    room.mutate.clearExample().confirmed.then(
      () => wishesDone(id),
      () => wishesDone(id), // on the list of what was refused, like any other
    );
  }, [id, ready, room, setTitle, setBudget, flush]);
}
