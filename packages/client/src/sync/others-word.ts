import type { Outbox } from '../outbox/outbox.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { ClientGroups } from './client-group.ts';
import type { HeldOutbox } from './held-outbox.ts';
import type { NoticeBatch } from './notice-batch.ts';

export interface OthersWordOptions {
  readonly outbox: Pick<Outbox, 'has'>;
  readonly siblings: Pick<SiblingMutations, 'clientIds'>;
  readonly groups: Pick<ClientGroups, 'isOurs'>;
  readonly held: Pick<HeldOutbox, 'has' | 'clientIds'>;
  readonly notices: Pick<NoticeBatch, 'add'>;
}

/** Tells the page which clients of others it would take over, were they free, and which it may not; each list once. */
export class OthersWord {
  readonly #options: OthersWordOptions;
  #told = '';

  constructor(options: OthersWordOptions) {
    this.#options = options;
  }

  /** `alsoIdle`: clients that are known and have nothing pending. Gives whether there was something to tell. */
  tell(alsoIdle: readonly string[]): boolean {
    const { outbox, siblings, groups, held, notices } = this.#options;
    const clientIds = [...new Set([...siblings.clientIds(), ...alsoIdle])]
      .filter((clientId) => !outbox.has(clientId) && !held.has(clientId) && groups.isOurs(clientId))
      .sort();
    const heldBack = held.clientIds();
    const text = [clientIds, heldBack]
      .map((names) => names.join(' '))
      .join(', ')
      .replace(/^, $/, '');
    if (text === this.#told) return false;
    this.#told = text;
    notices.add({ type: 'others', clientIds, ...(heldBack.length === 0 ? {} : { heldBack }) });
    return true;
  }

  /** The next list is told even if it is the same: whoever was to take one over may have failed to. */
  again(): void {
    this.#told = '';
  }
}
