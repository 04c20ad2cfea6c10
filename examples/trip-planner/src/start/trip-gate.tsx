import { type ReactNode, useEffect, useState } from 'react';
import { takeStart, wishesFor } from './fresh-trip.ts';
import { knownTrips } from './known-trips.ts';
import { NoSuchTrip } from './start-page.tsx';

/**
 * Lets a trip be opened that is wanted or there: opening one makes it, and an address with a slip of the pen is no wish for a new trip. Asks the server only
 * about trips that this browser has never seen. A server that does not answer is no reason to keep anybody out: the trip's own page says so better.
 */
export function TripGate({ id, wanted, children }: { readonly id: string; readonly wanted: boolean; readonly children: ReactNode }) {
  const [open, setOpen] = useState<boolean | null>(wanted ? true : null);
  useEffect(() => {
    if (open !== null) return;
    const asking = new AbortController();
    isThere(id, asking.signal).then(setOpen, () => setOpen((now) => (asking.signal.aborted ? now : true)));
    return () => asking.abort();
  }, [id, open]);
  if (open === null) return null;
  return open ? children : <NoSuchTrip id={id} />;
}

/** Whether this page's address or this browser's past ask for that trip. To be asked once: the address is cleaned by it. */
export const isWanted = (id: string): boolean => takeStart(id) || wishesFor(id) !== null || knownTrips().some((trip) => trip.id === id);

async function isThere(id: string, signal: AbortSignal): Promise<boolean> {
  const answer: unknown = await (await fetch(`/trips/${id}`, { signal })).json();
  return !(typeof answer === 'object' && answer !== null && 'known' in answer && answer.known === false);
}
