/** A write the room refused. Its effect is gone from the page already. */
export interface RejectedWrite {
  readonly key: string;
  /** What was tried, in the app's words: "Add McMurdo Station". */
  readonly what: string;
  /** The room's reason, as it gave it. */
  readonly reason: string;
}

export interface RejectedListProps {
  readonly writes: readonly RejectedWrite[];
  readonly onDismiss: (key: string) => void;
}

/** Corrections to the map: each write that was not accepted, with the room's reason, until somebody has read it. */
export function RejectedList({ writes, onDismiss }: RejectedListProps) {
  return (
    <div role="alert" className="rejected">
      {writes.map((write) => (
        <section key={write.key} className="slip correction">
          <h2>{write.what}: not accepted</h2>
          <p>{write.reason}</p>
          <div className="slip-actions">
            <button type="button" className="press" onClick={() => onDismiss(write.key)}>
              Understood
            </button>
          </div>
        </section>
      ))}
    </div>
  );
}
