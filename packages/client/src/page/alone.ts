/** Runs what listeners of the app hear: one that throws is told like any uncaught error, and keeps nobody from hearing what else there is. */
export function alone(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
