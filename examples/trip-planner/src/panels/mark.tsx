/** On a row with changes that the room has not confirmed. Appears only where that takes a while. */
export function PendingMark() {
  return (
    <span className="mark-pending" role="img" aria-label="waits for the server" title="Waits for the server">
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" />
        <path d="M8 4.500V8l2.500 1.500" />
      </svg>
    </span>
  );
}

/** On a row with a change that was not accepted; the slip on the map says why. */
export function RefusedMark() {
  return <span className="mark-refused">a change was not accepted</span>;
}

/** On what was to be added and is not. */
export function RefusedRowMark({ name, onDismiss }: { readonly name: string; readonly onDismiss: () => void }) {
  return (
    <>
      <span className="mark-refused">not accepted</span>
      <button type="button" className="bare remove" aria-label={`Dismiss ${name}, which was not accepted`} onClick={onDismiss}>
        ×
      </button>
    </>
  );
}
