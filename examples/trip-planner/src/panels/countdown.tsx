import { useEffect, useState } from 'react';

const STEP_MS = 250;

/** The wall clock, looked at a few times a second. */
export function useNowMs(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), STEP_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** When the next attempt is, in words; `null` as a time means: now. */
export function Countdown({ untilMs }: { readonly untilMs: number | null }) {
  const nowMs = useNowMs();
  const leftS = untilMs === null ? 0 : Math.ceil((untilMs - nowMs) / 1000);
  return <span className="figure">{leftS <= 0 ? 'trying now' : `next try in ${leftS} s`}</span>;
}
