import { formatNumber, plural } from './words.ts';

/** A write that came to nothing. Its effect is gone from the page already. */
export interface RejectedWrite {
  readonly key: string;
  /** What was tried, in the app's words: "Add McMurdo Station". */
  readonly what: string;
  /** What was written and is nowhere else; empty where nothing was. */
  readonly text: string;
  /** The same call may go through at another time. */
  readonly mayBeRetried: boolean;
  /** What became of it: "not accepted". */
  readonly end: string;
  /** Why, in words for whoever tried. */
  readonly reason: string;
  /** For who wants to know it exactly; empty where there is none. */
  readonly code: string;
  readonly detail: string;
}

export interface RejectedListProps {
  readonly writes: readonly RejectedWrite[];
  readonly onDismiss: (key: string) => void;
  readonly onRetry: (key: string) => void;
}

/** Slips laid side by side cover the map: of more than these only the number is said. */
const SHOWN_MAX = 3;

/** What somebody wrote, to be read and copied. */
export function WrittenText({ text }: { readonly text: string }) {
  return (
    <blockquote className="written" dir="auto">
      {text}
    </blockquote>
  );
}

/** Corrections to the map: each write that was not accepted, with the reason, until somebody has read it. */
export function RejectedList({ writes, onDismiss, onRetry }: RejectedListProps) {
  const shown = writes.slice(0, SHOWN_MAX);
  const more = writes.length - shown.length;
  return (
    <div role="alert" className="rejected">
      {shown.map((write) => (
        <section key={write.key} className="slip correction">
          <h2 dir="auto">
            {write.what}: {write.end}
          </h2>
          {write.text !== '' && <WrittenText text={write.text} />}
          <p dir="auto">{write.reason}</p>
          <div className="slip-actions">
            <button type="button" className="press" onClick={() => onDismiss(write.key)}>
              Understood
            </button>
            {write.mayBeRetried && (
              <button type="button" className="quiet" onClick={() => onRetry(write.key)}>
                Try again
              </button>
            )}
          </div>
          {write.code !== '' && write.code !== 'forbidden' && (
            <details className="small-print">
              <summary>{write.code}</summary>
              {write.detail}
            </details>
          )}
        </section>
      ))}
      {more > 0 && (
        <section className="slip correction">
          <h2>{plural(more, 'more change')} came to nothing</h2>
          <div className="slip-actions">
            <button type="button" className="quiet" onClick={() => writes.forEach((write) => onDismiss(write.key))}>
              Dismiss all {formatNumber(writes.length)}
            </button>
          </div>
        </section>
      )}
    </div>
  );
}
