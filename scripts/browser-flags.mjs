/**
 * Flags that keep Chromium from talking to its maker and, as root, from refusing to start.
 *
 * @returns {string[]}
 */
export function browserFlags() {
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];
  return process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet;
}
