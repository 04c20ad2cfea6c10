import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ConnectedTrip } from './connected-trip.tsx';
import { isWanted, TripGate } from './start/trip-gate.tsx';
import { NoSuchPlace, StartPage } from './start/start-page.tsx';
import { placeOf, titleOfTrip } from './trip-address.ts';
import { tripClient, tripHooks } from './trip-client.ts';

const { RoomProvider } = tripHooks;
const place = placeOf(location.pathname);
const wanted = place.kind === 'trip' && isWanted(place.id);

function Here() {
  if (place.kind === 'start') return <StartPage />;
  if (place.kind === 'nowhere') return <NoSuchPlace path={decodeSafely(location.pathname)} />;
  return (
    <TripGate id={place.id} wanted={wanted}>
      <RoomProvider client={tripClient} id={place.id}>
        <ConnectedTrip id={place.id} />
      </RoomProvider>
    </TripGate>
  );
}

/** A path as people write it; as it is where it was never meant to be read. */
function decodeSafely(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

// The page itself is kept by it, so that it opens without a network; in development it would show what was.
if (import.meta.env.PROD && 'serviceWorker' in navigator) navigator.serviceWorker.register('/service-worker.js').catch(() => undefined); // refused: all else is as it was

if (place.kind === 'trip') document.title = titleOfTrip(place.id);
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Here />
    </StrictMode>,
  );
}
