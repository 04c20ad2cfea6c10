import { useNowMs } from './countdown.tsx';
import { type RejectedListProps, WrittenText } from './rejected-list.tsx';
import { useSlip } from './use-slip.ts';
import { formatAge, formatNumber, formatTime, plural } from './words.ts';

/** A write that the server has not decided. */
export interface WaitingWrite {
  readonly key: string;
  /** What it is, in the app's words: "Add Osaka". */
  readonly what: string;
  /** Wall clock of the call. */
  readonly sinceMs: number;
  /** How often it was sent in vain. */
  readonly attempts: number;
  /** Why the server did not take it for now; empty where it did not say. */
  readonly reason: string;
}

/** A write that the server has. */
export interface DoneWrite {
  readonly key: string;
  readonly what: string;
  readonly atMs: number;
}

export interface WritesListProps {
  /** All of this tab's that wait; of these `waiting` are the first. */
  readonly pending: number;
  readonly waiting: readonly WaitingWrite[];
  /** What waits in other tabs of this browser, likewise. */
  readonly elsewhere: { readonly pending: number; readonly waiting: readonly WaitingWrite[] };
  readonly rejected: RejectedListProps;
  /** The last ones, newest first. */
  readonly done: readonly DoneWrite[];
  /** Saves what waits and what came to nothing as a file. */
  readonly onSave: () => void;
}

/** How many writes wait, here and in other tabs; what became of the rest is at a press. */
export function WritesList(props: WritesListProps) {
  const { pending, elsewhere, rejected, done } = props;
  const { open, toggle, holder } = useSlip<HTMLLIElement>();
  const figure = (
    <>
      <span className="pending-count">
        <b className="figure">{formatNumber(pending)}</b> pending
      </span>
      {elsewhere.pending > 0 && (
        <span className="elsewhere-count">
          , <b className="figure">{formatNumber(elsewhere.pending)}</b> in another tab
        </span>
      )}
    </>
  );
  if (pending + elsewhere.pending + rejected.writes.length + done.length === 0) return <li>{figure}</li>;
  return (
    <li className="waiting" {...holder}>
      <button type="button" className="quiet" aria-expanded={open} title="What became of your changes" onClick={toggle}>
        {figure}
      </button>
      {open && <WritesSlip {...props} />}
    </li>
  );
}

function WritesSlip({ pending, waiting, elsewhere, rejected, done, onSave }: WritesListProps) {
  const { pending: others } = elsewhere;
  return (
    <div className="slip waiting-list writes" role="region" aria-label="Your changes">
      <h3>{pending > 0 ? 'Waiting for the server' : others > 0 ? 'Nothing of this tab waits' : 'Nothing waits for the server'}</h3>
      <Waiting label="Waiting for the server" count={pending} writes={waiting} />
      {others > 0 && (
        <>
          <h3>{others === 1 ? '1 change of another tab waits' : `${formatNumber(others)} changes of another tab wait`}</h3>
          <Waiting label="Waiting in another tab" count={others} writes={elsewhere.waiting} />
        </>
      )}
      {rejected.writes.length > 0 && <Refused {...rejected} />}
      {done.length > 0 && (
        <>
          <h3>Done lately</h3>
          <ol aria-label="Done lately">
            {done.map(({ key, what, atMs }) => (
              <li key={key}>
                <b dir="auto">{what}</b> <span>{formatTime(atMs)}</span>
              </li>
            ))}
          </ol>
        </>
      )}
      {pending + others + rejected.writes.length > 0 && (
        <button type="button" className="quiet" onClick={onSave}>
          Save this list as a file
        </button>
      )}
    </div>
  );
}

/** The first of `count` writes. */
function Waiting({ label, count, writes }: { readonly label: string; readonly count: number; readonly writes: readonly WaitingWrite[] }) {
  const nowMs = useNowMs();
  const more = count - writes.length;
  return (
    <>
      <ol aria-label={label}>
        {writes.map(({ key, what, sinceMs, attempts, reason }) => (
          <li key={key}>
            <b dir="auto">{what}</b> <span>{[formatAge(nowMs - sinceMs), triesOf(attempts)].filter(Boolean).join(', ')}</span>
            {reason !== '' && <p dir="auto">{reason}</p>}
          </li>
        ))}
      </ol>
      {more > 0 && <p>and {formatNumber(more)} more</p>}
    </>
  );
}

function Refused({ writes, onDismiss, onRetry }: RejectedListProps) {
  return (
    <>
      <h3>Came to nothing</h3>
      <ol aria-label="Came to nothing">
        {writes.map(({ key, what, text, mayBeRetried, end, reason }) => (
          <li key={key}>
            <b dir="auto">{what}</b> <span>{end}</span>
            {text !== '' && <WrittenText text={text} />}
            <p dir="auto">{reason}</p>
            {mayBeRetried && (
              <button type="button" className="quiet" onClick={() => onRetry(key)}>
                Try again
              </button>
            )}
            <button type="button" className="quiet" onClick={() => onDismiss(key)}>
              Dismiss
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}

const triesOf = (attempts: number): string => (attempts === 0 ? '' : `sent ${plural(attempts, 'time')} in vain`);
