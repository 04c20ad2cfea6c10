import { useState } from 'react';
import { useSlip } from './use-slip.ts';
import { plural } from './words.ts';

export interface SavedStateProps {
  readonly storage: 'opening' | 'saved' | 'saving' | 'failing' | 'off';
  /** Why not, in words; empty where it is not known. */
  readonly why: string;
  /** Changes that closing this tab now would lose. */
  readonly unsaved: number;
  /** The browser lost changes of an earlier visit that had not been sent. */
  readonly lost: boolean;
  readonly onLostRead: () => void;
  /** Removes the trip from this device; resolves with how it was refused, null once it is gone. */
  readonly onForget: (discardPending: boolean) => Promise<string | null>;
}

const WORDS = { opening: 'Opening', saved: 'Saved', saving: 'Saving', failing: 'Not saved', off: 'Not saved' } as const;

/** Whether what is done here outlives the tab, why not, and how the trip is taken off this device. */
export function SavedState(props: SavedStateProps) {
  const { lost, unsaved } = props;
  // The worker's word may be of before: while a query holds it, it does not say that something new waits.
  const storage = props.storage === 'saved' && unsaved > 0 ? 'saving' : props.storage;
  const { open, toggle, holder } = useSlip<HTMLLIElement>();
  return (
    <li className="waiting saved" {...holder}>
      <button type="button" className="quiet" aria-expanded={open} onClick={toggle}>
        <span className={!lost && (storage === 'saved' || storage === 'saving') ? 'saved-words' : ''}>
          <span>
            {lost ? 'Changes were lost' : WORDS[storage]}
            {storage === 'saved' && !lost && <span className="wide"> on this device</span>}
          </span>
        </span>
      </button>
      {open && <SavedSlip {...props} />}
    </li>
  );
}

function SavedSlip({ storage, why, unsaved, lost, onLostRead, onForget }: SavedStateProps) {
  const [warning, setWarning] = useState<string | null>(null);
  const forget = (discardPending: boolean) => void onForget(discardPending).then(setWarning);
  return (
    <div className="slip waiting-list" role="region" aria-label="What is kept on this device">
      {lost && (
        <>
          <p>This browser lost changes of an earlier visit before they were sent.</p>
          <button type="button" className="quiet" onClick={onLostRead}>
            Understood
          </button>
        </>
      )}
      <p>
        {storage === 'failing' || storage === 'off'
          ? `Nothing is kept when this tab closes. ${why}`
          : 'The trip opens here without a network, too.'}
      </p>
      {unsaved > 0 && <p>{plural(unsaved, 'change')} would be lost if this tab was closed now.</p>}
      {warning === null ? (
        <>
          <button type="button" className="quiet" onClick={() => forget(false)}>
            Forget this trip on this device
          </button>
          <p className="saved-key">Its key goes, too: only a link brings you back, so copy one first.</p>
        </>
      ) : (
        <>
          <p role="alert">{warning}</p>
          <button type="button" className="press" onClick={() => forget(true)}>
            Forget it all the same
          </button>
        </>
      )}
    </div>
  );
}
