import { useEffect, useRef, useState } from 'react';
import { type Away, nextAway, NOT_MET } from './away.ts';
import { tripHooks } from './trip-client.ts';

const { useConnection } = tripHooks;

/** How often a page in development asks why the server stopped. */
const ASK_MS = 2_000;

/** The connection, and since when it is gone. */
export function useAway() {
  const connection = useConnection();
  const last = useRef<Away>(NOT_MET);
  const away = nextAway(last.current, connection.state, Date.now());
  useEffect(() => {
    last.current = away;
  });
  return { ...connection, ...away };
}

/**
 * What the server said when it stopped; null where that cannot be known. Only `npm run dev` leaves somebody behind who knows: elsewhere nobody is asked, so
 * that a server that is gone is not called a second time for each attempt.
 */
export function useLastWords(away: boolean): string | null {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (!import.meta.env.DEV || !away) return;
    const asking = new AbortController();
    const ask = () =>
      fetch('/stopped', { signal: asking.signal })
        .then((answer) => answer.json())
        .then((answer: unknown) => setSaid(saidIn(answer)))
        .catch(() => undefined); // Nobody is there: nothing is known.
    void ask();
    const timer = setInterval(() => void ask(), ASK_MS);
    return () => {
      asking.abort();
      clearInterval(timer);
      setSaid(null);
    };
  }, [away]);
  return said;
}

function saidIn(answer: unknown): string | null {
  return typeof answer === 'object' && answer !== null && 'said' in answer && typeof answer.said === 'string' ? answer.said : null;
}
