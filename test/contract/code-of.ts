/** The code of what `run` throws; `undefined` where it throws nothing, so that a test cannot take silence for a refusal. */
export function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return undefined;
}
