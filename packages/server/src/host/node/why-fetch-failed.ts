/** Why a fetch came to nothing, as the system said it: `fetch` itself says "fetch failed" of whatever it was, and keeps the reason as its cause. */
export function whyFetchFailed(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const { cause } = failure;
  // A name of several addresses fails with all that was said of them.
  const said: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return said instanceof Error && said.message !== '' ? said.message : failure.message;
}
