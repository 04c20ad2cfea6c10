import { tripHooks } from './trip-client.ts';
import './connected-trouble.css';

const { useConnection } = tripHooks;

/** Why this tab does not reach the room and does not try by itself any more; nothing while it does. */
export function Trouble() {
  const { state, error, reconnect } = useConnection();
  if (state !== 'failed' && state !== 'needs_auth') return null;
  return (
    <section className="slip correction trouble" role="alert">
      <h2>This trip cannot be reached</h2>
      <p>{error?.message ?? 'The room gave no reason.'}</p>
      {error !== null && <p>{error.hint}</p>}
      <div className="slip-actions">
        <button type="button" className="press" onClick={reconnect}>
          Try again
        </button>
      </div>
    </section>
  );
}
