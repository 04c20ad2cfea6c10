import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ConnectedTrip } from './connected-trip.tsx';
import { freshTripId, pathOfTrip, titleOfTrip, tripIdOf } from './trip-address.ts';
import { tripClient, tripHooks } from './trip-client.ts';

const { RoomProvider } = tripHooks;

/** The trip of this address; a fresh one has its address at once, so that a reload finds it and a copy of the address shares it. */
function openTrip(): string {
  const known = tripIdOf(location.pathname);
  if (known !== null) return known;
  const id = freshTripId();
  history.replaceState(null, '', pathOfTrip(id));
  return id;
}

const id = openTrip();
const title = titleOfTrip(id);
document.title = title;
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <RoomProvider client={tripClient} id={id}>
        <ConnectedTrip title={title} />
      </RoomProvider>
    </StrictMode>,
  );
}
