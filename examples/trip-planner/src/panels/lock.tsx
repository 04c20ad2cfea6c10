/** Beside words that say what is locked. */
export function Lock() {
  return (
    <svg className="lock" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M3.500 7.250h9v6.500h-9zM5.250 7.250V5a2.750 2.750 0 0 1 5.500 0v2.250" />
    </svg>
  );
}
