/**
 * To be called by a child before anything else that waits. Ctrl-C and supervisors signal the whole group: it goes when its parent has drained, not before. One whose parent was killed while it started is
 * told of no more.
 */
export function endWithParent(): void {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => undefined);
  process.on('disconnect', () => process.exit(0));
  if (!process.connected) process.exit(0);
}
