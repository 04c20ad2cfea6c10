/** The client's own word for it. */
export type ConnectionShown = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'needs_auth' | 'failed' | 'closed';

export interface StatusLineProps {
  readonly version: number | null;
  /** Own mutations the room has not confirmed. */
  readonly pending: number;
  readonly connection: ConnectionShown;
  /** Wall clock of the last message that moved the replica; null before the first. */
  readonly lastSyncMs: number | null;
}

const CONNECTIONS: Record<ConnectionShown, string> = {
  idle: 'Connecting',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  needs_auth: 'Sign in again',
  failed: 'Stopped',
  closed: 'Closed',
};

const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Where this tab stands towards the room. Where space is short the words go and the figures stay. */
export function StatusLine({ version, pending, connection, lastSyncMs }: StatusLineProps) {
  return (
    <ul className="status" aria-label="Status">
      <li className={`lamp is-${connection}`} role="status">
        {CONNECTIONS[connection]}
      </li>
      <li>
        <span>
          <span className="wide">Version </span>
          <span className="narrow" aria-hidden="true">
            v
          </span>
        </span>
        <b className="figure">{version === null ? '–' : version.toLocaleString('en')}</b>
      </li>
      <li>
        <b className="figure">{pending}</b>
        <span> pending</span>
      </li>
      <li>
        <span className="wide">Last sync </span>
        <b className="figure">
          {lastSyncMs === null ? '–' : <time dateTime={new Date(lastSyncMs).toISOString()}>{timeOfDay.format(lastSyncMs)}</time>}
        </b>
      </li>
    </ul>
  );
}
