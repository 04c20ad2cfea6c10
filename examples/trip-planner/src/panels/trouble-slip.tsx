import { useState } from 'react';
import { Countdown, useNowMs } from './countdown.tsx';
import { useMayEdit } from './may-edit.ts';
import { type Fault, wordsForAbsence, wordsForMeanwhile, wordsForStop } from './trouble-words.ts';
import { formatMinute, plural } from './words.ts';

export interface TroubleSlipProps {
  /** Wall clock; null while connected. */
  readonly sinceMs: number | null;
  /** Whether this page was with its trip before. */
  readonly met: boolean;
  /** The trip is shown as this device kept it. */
  readonly kept: boolean;
  /** It does not try by itself any more. */
  readonly stopped: boolean;
  readonly fault: Fault | null;
  /** Wall clock of the next attempt; null: it is under way. */
  readonly retryAtMs: number | null;
  /** Own changes the room has not decided. */
  readonly waiting: number;
  /** What the server said when it stopped, where that is known. */
  readonly lastWords: string | null;
  readonly onTry: () => void;
}

/** A short gap is no news: the status line has it. */
const SAID_AFTER_MS = 2_500;
/** From then on it is worth wondering what may be the matter. */
const WONDER_AFTER_MS = 8_000;

/** While this page is without its trip: since when, what still works, when it tries again, and what may be the matter. */
export function TroubleSlip(props: TroubleSlipProps) {
  const { sinceMs, stopped } = props;
  if (sinceMs === null) return null;
  return stopped ? <Stopped {...props} /> : <Absent {...props} sinceMs={sinceMs} />;
}

function Absent({ sinceMs, met, kept, fault, retryAtMs, waiting, lastWords, onTry }: TroubleSlipProps & { readonly sinceMs: number }) {
  const [closedOf, setClosedOf] = useState<number | null>(null);
  const mayEdit = useMayEdit();
  const awayMs = useNowMs() - sinceMs;
  if (closedOf === sinceMs) return null;
  if (awayMs < SAID_AFTER_MS && lastWords === null) return null;
  const wondering = awayMs > WONDER_AFTER_MS || lastWords !== null || fault?.code === 'room_outdated' || !navigator.onLine;
  return (
    <section className="slip trouble" aria-label="Connection">
      <button type="button" className="close bare" aria-label="Close" onClick={() => setClosedOf(sinceMs)}>
        ×
      </button>
      <h2>
        <span role="status">
          {met ? `Not connected since ${formatMinute(sinceMs)}` : kept ? 'Not connected' : 'The trip is not reached yet'}
        </span>
      </h2>
      {(met || kept) && (
        <p>
          {met && mayEdit ? 'Everything here still works.' : 'This is the trip as it was here last.'} {wordsForMeanwhile(waiting, mayEdit)}
        </p>
      )}
      {wondering && lastWords === null && <p>{wordsForAbsence(fault, navigator.onLine)}</p>}
      {lastWords !== null && (
        <>
          <p>The server stopped and said:</p>
          <pre>{lastWords}</pre>
        </>
      )}
      <div className="slip-actions">
        <button type="button" className="press" onClick={onTry}>
          Try now
        </button>
        <Countdown untilMs={retryAtMs} />
      </div>
    </section>
  );
}

function Stopped({ fault, waiting, onTry }: TroubleSlipProps) {
  const { title, says, way } = wordsForStop(fault ?? { code: '', message: '' });
  return (
    <section className="slip correction trouble" role="alert">
      <h2>{title}</h2>
      <p>{says}</p>
      {waiting > 0 && (
        <p>
          {plural(waiting, 'change')} of yours {waiting === 1 ? 'has' : 'have'} not been sent, and {waiting === 1 ? 'stays' : 'stay'} here
          only while this page is open.
        </p>
      )}
      <div className="slip-actions">
        {way === 'load' && (
          <button type="button" className="press" onClick={() => location.reload()}>
            Load again
          </button>
        )}
        <button type="button" className={way === 'load' ? 'quiet' : 'press'} onClick={onTry}>
          Try again
        </button>
      </div>
      {fault !== null && (
        <details className="small-print">
          <summary>{fault.code}</summary>
          {fault.message}
        </details>
      )}
    </section>
  );
}
