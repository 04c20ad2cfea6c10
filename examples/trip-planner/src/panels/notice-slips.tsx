import { useState } from 'react';
import { type PutBack, wordsForPutBack } from './notice-words.ts';

export interface NoticeSlipsProps {
  /** The last time the server was put back while this page was open; null: it never was. */
  readonly lostTail: PutBack | null;
}

/** What happened to the trip that is nobody's doing on this page: said quietly, until it was read. */
export function NoticeSlips({ lostTail }: NoticeSlipsProps) {
  const [readAtMs, setReadAtMs] = useState<number | null>(null);
  if (lostTail === null || lostTail.atMs === readAtMs) return null;
  return (
    <section className="slip notice" role="status" aria-label="Put back">
      <button type="button" className="close bare" aria-label="Close" onClick={() => setReadAtMs(lostTail.atMs)}>
        ×
      </button>
      <p>{wordsForPutBack(lostTail)}</p>
    </section>
  );
}
