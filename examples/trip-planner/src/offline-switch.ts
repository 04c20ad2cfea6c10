import { useEffect, useState } from 'react';
import { tripHooks } from './trip-client.ts';

const { useConnection } = tripHooks;
/** For this tab, and its reloads. */
const KEY = 'trip-planner.offline';

/**
 * The page's own switch: off, it makes no connection until it is on again, be it loaded anew meanwhile. It stands where it was put from its first
 * moment on; the connection follows.
 */
export function useOfflineSwitch(): { readonly isOffline: boolean; readonly toggle: () => void } {
  const { disconnect, reconnect } = useConnection();
  const [isOffline, setIsOffline] = useState(wasOffline);
  // Before the provider starts the room: effects of what is inside come first.
  useEffect(() => {
    if (wasOffline()) disconnect();
  }, [disconnect]);
  const toggle = () => {
    remember(!isOffline);
    setIsOffline(!isOffline);
    if (isOffline) reconnect();
    else disconnect();
  };
  return { isOffline, toggle };
}

function wasOffline(): boolean {
  try {
    return sessionStorage.getItem(KEY) === 'yes';
  } catch {
    return false; // Storage is forbidden.
  }
}

function remember(isOffline: boolean): void {
  try {
    if (isOffline) sessionStorage.setItem(KEY, 'yes');
    else sessionStorage.removeItem(KEY);
  } catch {
    // The switch holds until the page is loaded again.
  }
}
