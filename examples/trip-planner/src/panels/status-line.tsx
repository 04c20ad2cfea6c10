import type { ConnectionWord } from '../away.ts';
import { Countdown } from './countdown.tsx';
import { SavedState, type SavedStateProps } from './saved-state.tsx';
import { formatNumber, formatTime } from './words.ts';
import { WritesList, type WritesListProps } from './writes-list.tsx';

export interface StatusLineProps {
  readonly version: number | null;
  readonly writes: WritesListProps;
  readonly connection: ConnectionWord;
  /** Wall clock of the last message that moved the replica; null before the first. */
  readonly lastSyncMs: number | null;
  /** Wall clock of the next attempt to connect; null: none, or it is under way. */
  readonly retryAtMs: number | null;
  readonly onTry: () => void;
  readonly saved: SavedStateProps;
  /** By hand. */
  readonly isOffline: boolean;
  readonly onSwitch: () => void;
}

const CONNECTIONS: Record<ConnectionWord, string> = {
  idle: 'Connecting',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  disconnected: 'Offline',
  needs_auth: 'Sign in again',
  failed: 'Stopped',
  closed: 'Closed',
};

/** Where this tab stands towards the room. The least comes last: what does not fit into the line is left out. */
export function StatusLine(props: StatusLineProps) {
  const { version, writes, connection, lastSyncMs, retryAtMs, onTry, saved, isOffline, onSwitch } = props;
  return (
    <ul className="status" aria-label="Status">
      <li className={`lamp is-${connection}`} role="status">
        {CONNECTIONS[connection]}
      </li>
      <li className="status-switch">
        <button type="button" className="switch" onClick={onSwitch}>
          {isOffline ? 'Go online' : 'Work offline'}
        </button>
      </li>
      {connection === 'reconnecting' && (
        <li className="status-next">
          <Countdown untilMs={retryAtMs} />{' '}
          <button type="button" className="quiet" onClick={onTry}>
            Try now
          </button>
        </li>
      )}
      <WritesList {...writes} />
      <SavedState {...saved} />
      <li className="status-version">
        Version <b className="figure">{version === null ? '–' : formatNumber(version)}</b>
      </li>
      <li className="status-last">
        Last sync{' '}
        <b className="figure">
          {lastSyncMs === null ? '–' : <time dateTime={new Date(lastSyncMs).toISOString()}>{formatTime(lastSyncMs)}</time>}
        </b>
      </li>
    </ul>
  );
}
