import type { PersistenceState } from '../storage/persistence-options.ts';

/**
 * When the room may be told that an end was heard, and so forget it: once the page was told and the disk knows it, too. Without a disk the page's word is enough; not so
 * where the disk only fails just now: whoever finds the mutation pending, there or because its tab told of it, pushes it again, and is to get the room's answer.
 */
export class HeardWords {
  /** Said by the page and not passed on. */
  readonly #said = new Map<string, number>();
  /** Up to where what ended of a client is on the disk. */
  readonly #endedUpTo = new Map<string, number>();

  said(clientId: string, upTo: number): void {
    raise(this.#said, clientId, upTo);
  }

  ended(clientId: string, upTo: number): void {
    raise(this.#endedUpTo, clientId, upTo);
  }

  /** Takes what the room may be told by now. */
  due(status: PersistenceState['status']): { readonly clientId: string; readonly upTo: number }[] {
    const due = [...this.#said].filter(([clientId, upTo]) => status === 'off' || (this.#endedUpTo.get(clientId) ?? 0) >= upTo);
    for (const [clientId] of due) this.#said.delete(clientId);
    return due.map(([clientId, upTo]) => ({ clientId, upTo }));
  }
}

function raise(counters: Map<string, number>, clientId: string, to: number): void {
  counters.set(clientId, Math.max(to, counters.get(clientId) ?? 0));
}
