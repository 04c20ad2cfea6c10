import { useEffect, useRef, useState } from 'react';

export interface ShareProps {
  readonly title: string;
  /** Where this page is. */
  readonly address: string;
}

/** How long it is said what came of it. */
const SAID_MS = 4_000;

type Outcome = 'copied' | 'by hand' | null;

/** Hands the trip's address on: by the phone's own way where there is one, else into the clipboard, else to be copied by hand. */
export function Share({ title, address }: ShareProps) {
  const [outcome, setOutcome] = useState<Outcome>(null);
  useEffect(() => {
    if (outcome !== 'copied') return;
    const timer = setTimeout(() => setOutcome(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const share = async () => {
    if (offersSheet()) {
      try {
        await navigator.share({ title, url: address });
        return;
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') return;
      }
    }
    try {
      await navigator.clipboard.writeText(address);
      setOutcome('copied');
    } catch {
      setOutcome('by hand'); // no permission, or a page without TLS
    }
  };
  return (
    <div className="share">
      <button type="button" className="quiet" onClick={() => void share()} aria-label="Share this trip" title="Share this trip">
        <ShareSign />
        <span className="share-word">Share</span>
      </button>
      <p role="status" className={outcome === 'copied' ? 'share-said' : 'unseen'}>
        {outcome === 'copied' && (
          <>
            <strong>Link copied.</strong> {reachOf(address)}
          </>
        )}
      </p>
      {outcome === 'by hand' && <ByHand address={address} onClose={() => setOutcome(null)} />}
    </div>
  );
}

/** A phone has a sheet of its own for that; on a computer a link in the clipboard is what people expect. */
const offersSheet = (): boolean => typeof navigator.share === 'function' && matchMedia('(pointer: coarse)').matches;

/** Who can open an address, as far as it can be told from the address itself. */
export function reachOf(address: string): string {
  const { hostname } = new URL(address);
  const own = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return own ? 'It opens on this computer only: the server listens here alone.' : 'Whoever has it can open and edit the trip.';
}

function ByHand({ address, onClose }: { readonly address: string; readonly onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <div className="share-said" onKeyDown={(e) => e.key === 'Escape' && onClose()}>
      <label>
        Copy this link:
        <input ref={field} readOnly value={address} onFocus={(e) => e.target.select()} />
      </label>
      <button type="button" className="quiet" onClick={onClose}>
        Done
      </button>
    </div>
  );
}

function ShareSign() {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinejoin="round"
    >
      <path d="M8 10V1.75M5 4.5l3-3 3 3M4.500 7H2.750v7.250h10.500V7H11.500" strokeLinecap="round" />
    </svg>
  );
}
