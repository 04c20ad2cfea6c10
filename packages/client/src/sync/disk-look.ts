import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { StoredOutbox } from '../storage/storage.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';

export interface DiskLookOptions {
  readonly runtime: Pick<Runtime, 'setTimer'>;
  readonly siblings: Pick<SiblingMutations, 'clientIds' | 'gone'>;
  /** Null where it cannot be read now. */
  outbox(): Promise<StoredOutbox | null>;
  /** Not after `close`. */
  onSeen(kept: StoredOutbox): void;
  /** Something is pending that the disk does not have: whoever it is of is to say so. */
  ask(): void;
}

/** How often the disk is looked at for what tabs did not hear of each other: while something of another tab is pending, and else. */
const LOOK_MS = 10_000;
const IDLE_LOOK_MS = 60_000;
/** So often nobody spoke of what the disk does not have; then a late word brought it, of a tab that has given it up or is gone. */
const SILENT_LOOKS_MAX = 2;

/** Looks at the disk now and then: finds what no tab told, and ends what is shown of clients that are gone from it. */
export class DiskLook {
  readonly #options: DiskLookOptions;
  #next: { readonly timer: Timer; readonly afterMs: number } | null = null;
  /** Clients that were there when it was looked at last. */
  #seen: ReadonlySet<string> = new Set();
  /** Of clients with something pending that were never seen there: looks since somebody spoke of them. */
  readonly #silent = new Map<string, number>();
  #isClosed = false;

  constructor(options: DiskLookOptions) {
    this.#options = options;
  }

  /** It was read elsewhere. */
  saw({ clients }: Pick<StoredOutbox, 'clients'>): void {
    this.#seen = new Set(clients.map(({ clientId }) => clientId));
  }

  /** Looked for elsewhere: those of these that were there and are not have ended. */
  found(clientIds: readonly string[], { clients }: Pick<StoredOutbox, 'clients'>): void {
    const known = new Set(clients.map(({ clientId }) => clientId));
    for (const clientId of clientIds) if (this.#seen.has(clientId) && !known.has(clientId)) this.#options.siblings.gone(clientId);
  }

  /** A tab speaks for it. */
  heard(clientId: string): void {
    this.#silent.delete(clientId);
  }

  /** There will be a look: earlier than was said before, where there is something to look for by now. */
  later(): void {
    const afterMs = this.#options.siblings.clientIds().length > 0 ? LOOK_MS : IDLE_LOOK_MS;
    if (this.#isClosed || (this.#next !== null && this.#next.afterMs <= afterMs)) return;
    this.#next?.timer.cancel();
    this.#next = { timer: this.#options.runtime.setTimer(afterMs, () => void this.#look()), afterMs };
  }

  async #look(): Promise<void> {
    this.#next = null;
    const { siblings, outbox, onSeen, ask } = this.#options;
    const before = siblings.clientIds();
    const kept = await outbox();
    if (this.#isClosed) return;
    if (kept !== null) {
      const known = new Set(kept.clients.map(({ clientId }) => clientId));
      const missing = before.filter((clientId) => !known.has(clientId));
      for (const clientId of [...this.#silent.keys()]) if (!missing.includes(clientId)) this.#silent.delete(clientId);
      for (const clientId of missing) if (this.#isGone(clientId)) siblings.gone(clientId);
      this.#seen = known;
      if (this.#silent.size > 0) ask();
      onSeen(kept);
    }
    this.later();
  }

  /** Not there yet is not gone: what was never seen there may be on its way. */
  #isGone(clientId: string): boolean {
    if (this.#seen.has(clientId)) return true;
    const looks = (this.#silent.get(clientId) ?? 0) + 1;
    this.#silent.set(clientId, looks);
    return looks > SILENT_LOOKS_MAX;
  }

  close(): void {
    this.#isClosed = true;
    this.#next?.timer.cancel();
  }
}
