import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ConnectedTrip } from './connected-trip.tsx';
import { keyInHand } from './start/known-keys.ts';
import { KeylessTrip, NoSuchPlace, StartPage } from './start/start-page.tsx';
import { placeOf, titleOfTrip } from './trip-address.ts';
import { tripClient, tripHooks } from './trip-client.ts';

const { RoomProvider } = tripHooks;
const place = placeOf(location.pathname);

function Here() {
  if (place.kind === 'start') return <StartPage />;
  if (place.kind === 'nowhere') return <NoSuchPlace path={decodeSafely(location.pathname)} />;
  // Without a key nothing is shown of what this device may keep.
  if (keyInHand(place.id) === null) return <KeylessTrip id={place.id} hadKey={location.hash.length > 1} />;
  return (
    <RoomProvider client={tripClient} id={place.id}>
      <ConnectedTrip id={place.id} />
    </RoomProvider>
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

// Another link to the same trip, put into this page's address: it loads nothing by itself.
if (place.kind === 'trip') addEventListener('hashchange', () => location.hash.length > 1 && location.reload());

if (place.kind === 'trip') document.title = titleOfTrip(place.id);
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Here />
    </StrictMode>,
  );
}
