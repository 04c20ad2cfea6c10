import { useEffect, useRef, useState } from 'react';
import { useSlip } from './use-slip.ts';

/** What can be handed out: whoever has a link gets in by it. Null for what this page has not got itself. */
export interface Links {
  readonly edit: string | null;
  readonly look: string | null;
}

export interface ShareProps {
  readonly title: string;
  readonly links: Links;
}

/** How long it is said what came of it. */
const SAID_MS = 4_000;

type Outcome = 'copied' | 'by hand' | null;

/** Opens the trip to others: a link for those who may change it, another for those who may look. */
export function Share({ title, links }: ShareProps) {
  const { open, toggle, holder } = useSlip<HTMLDivElement>();
  const address = links.look ?? links.edit;
  if (address === null) return null;
  return (
    <div className="share" {...holder}>
      <button type="button" className="quiet" onClick={toggle} aria-expanded={open} aria-label="Share this trip" title="Share this trip">
        <ShareSign />
        <span className="share-word">Share</span>
      </button>
      {open && (
        <div className="slip share-slip" role="region" aria-label="Links to this trip">
          {links.edit !== null && <Link title={title} name="Edit link" says="Whoever has it can change everything." address={links.edit} />}
          {links.look !== null && (
            <Link title={title} name="View link" says="Whoever has it sees the trip and changes nothing." address={links.look} />
          )}
          <p className="share-reach">{reachOf(address)}</p>
        </div>
      )}
    </div>
  );
}

interface LinkProps {
  readonly title: string;
  readonly name: string;
  readonly says: string;
  readonly address: string;
}

/** Hands a link on: by the phone's own way where there is one, else into the clipboard, else to be copied by hand. */
function Link({ title, name, says, address }: LinkProps) {
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
    <section className="share-link" aria-label={name}>
      <div>
        <h3>{name}</h3>
        <p>{says}</p>
      </div>
      <button
        type="button"
        className="press"
        onClick={() => void share()}
        aria-label={`${offersSheet() ? 'Send' : 'Copy'} ${name.toLowerCase()}`}
      >
        {offersSheet() ? 'Send' : 'Copy'}
      </button>
      <p role="status" className={outcome === 'copied' ? 'share-said' : 'unseen'}>
        {outcome === 'copied' && 'Link copied.'}
      </p>
      {outcome === 'by hand' && <ByHand address={address} />}
    </section>
  );
}

/** A phone has a sheet of its own for that; on a computer a link in the clipboard is what people expect. */
const offersSheet = (): boolean => typeof navigator.share === 'function' && matchMedia('(pointer: coarse)').matches;

/** Who can open a link, as far as it can be told from the link itself. */
export function reachOf(address: string): string {
  const { hostname } = new URL(address);
  const own = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return own ? 'Links open on this computer only: the server listens here alone.' : 'Without a link nobody gets in.';
}

function ByHand({ address }: { readonly address: string }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <label className="share-said">
      Copy this link:
      <input ref={field} readOnly value={address} onFocus={(e) => e.target.select()} />
    </label>
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
