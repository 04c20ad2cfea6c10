import { useEffect, useRef, useState } from 'react';
import { knownTrips, onTripsChanged, rememberTrip } from './start/known-trips.ts';
import { keyInHand } from './start/known-keys.ts';
import { keepPartingWord } from './start/parting-word.ts';
import { wishesDone, wishesFor } from './start/fresh-trip.ts';
import { titleOfTrip } from './trip-address.ts';
import { tripHooks } from './trip-client.ts';
import { textOfCall } from './write-words.ts';

const { useConnection, useDebouncedValue, useRoom } = tripHooks;

/**
 * What the trip is called: as somebody named it, else by its address. The browser's tab and its list of trips follow. `begun`: what its starter wished is done
 * here, so that it can be shown.
 */
export function useTitle(id: string, ready: boolean, stopCount: number) {
  const [named, setNamed, { flush }] = useDebouncedValue('title');
  const isClosed = useConnection().state === 'closed';
  const title = named ?? wishesFor(id)?.title ?? titleOfTrip(id);
  useEffect(() => {
    document.title = title;
    if (ready && !isClosed) rememberTrip({ id, title, openedMs: Date.now() });
  }, [id, title, ready, isClosed]);
  useForgotten(id, title, isClosed);
  const rename = (next: string) => {
    setNamed(next);
    flush();
  };
  return { title, rename, begun: useWishes(id, ready, stopCount) };
}

/** Leaves a trip that another tab took off this device: it is closed here, too, and off the list. The start page says so. */
function useForgotten(id: string, title: string, isClosed: boolean): void {
  const { rejected } = useRoom();
  // As it was before another tab took it off this device.
  const [key] = useState(() => keyInHand(id));
  useEffect(() => {
    if (!isClosed) return;
    const look = () => {
      if (knownTrips().some((trip) => trip.id === id)) return;
      const undecided = rejected.getSnapshot().filter(({ error }) => error?.code === 'forgotten');
      const texts = undecided.map(textOfCall).filter((text) => text !== '');
      keepPartingWord({ id, title, undecided: undecided.length, texts, key });
      location.assign('/');
    };
    look();
    return onTripsChanged(look);
  }, [id, title, isClosed, rejected, key]);
}

/** Does once, in a trip that has just come, what its starter wished. */
function useWishes(id: string, ready: boolean, stopCount: number): boolean {
  const room = useRoom();
  const [, setTitle, { flush }] = useDebouncedValue('title');
  const [, setBudget, { flush: flushBudget }] = useDebouncedValue('budget');
  const [begun, setBegun] = useState(() => wishesFor(id)?.empty !== true);
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
    flushBudget();
    const cleared = room.mutate.clearExample();
    cleared.confirmed.then(
      () => wishesDone(id),
      // On the list of what was refused, like any other.
      () => {
        wishesDone(id);
        setBegun(true);
      },
    );
  }, [id, ready, room, setTitle, setBudget, flush, flushBudget]);
  // Shown once the example's stops are gone from the rows, too: a map that has seen them would go there.
  useEffect(() => {
    if (ready && stopCount === 0) setBegun(true);
  }, [ready, stopCount]);
  return begun;
}
