import { type ReactNode, useState } from 'react';
import { type PutBack, wordsForPutBack, wordsForUpdate } from './notice-words.ts';

export interface NoticeSlipsProps {
  /** The last time the server was put back while this page was open; null: it never was. */
  readonly lostTail: PutBack | null;
  /** Changes on this device that only a newer version of this page can send. */
  readonly waitsForUpdate: number;
}

/** What happened to the trip that is nobody's doing on this page: said quietly, until it was read. */
export function NoticeSlips({ lostTail, waitsForUpdate }: NoticeSlipsProps) {
  const [readAtMs, setReadAtMs] = useState<number | null>(null);
  const [readWaits, setReadWaits] = useState(0);
  return (
    <>
      {lostTail !== null && lostTail.atMs !== readAtMs && (
        <Notice name="Put back" onClose={() => setReadAtMs(lostTail.atMs)}>
          <p>{wordsForPutBack(lostTail)}</p>
        </Notice>
      )}
      {waitsForUpdate > 0 && waitsForUpdate !== readWaits && (
        <Notice name="Newer version" onClose={() => setReadWaits(waitsForUpdate)}>
          <p>{wordsForUpdate(waitsForUpdate)}</p>
          <div className="slip-actions">
            <button type="button" className="press" onClick={() => location.reload()}>
              Load again
            </button>
          </div>
        </Notice>
      )}
    </>
  );
}

function Notice({ name, onClose, children }: { readonly name: string; readonly onClose: () => void; readonly children: ReactNode }) {
  return (
    <section className="slip notice" role="status" aria-label={name}>
      <button type="button" className="close bare" aria-label="Close" onClick={onClose}>
        ×
      </button>
      {children}
    </section>
  );
}
