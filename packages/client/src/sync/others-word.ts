import type { Outbox } from '../outbox/outbox.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { ClientGroups } from './client-group.ts';
import type { NoticeBatch } from './notice-batch.ts';

/** Tells the page which clients of others it would take over, were they free; each list once. */
export class OthersWord {
  readonly #outbox: Pick<Outbox, 'has'>;
  readonly #siblings: Pick<SiblingMutations, 'clientIds'>;
  readonly #groups: Pick<ClientGroups, 'isOurs'>;
  readonly #notices: NoticeBatch;
  #told = '';

  constructor(
    outbox: Pick<Outbox, 'has'>,
    siblings: Pick<SiblingMutations, 'clientIds'>,
    groups: Pick<ClientGroups, 'isOurs'>,
    notices: NoticeBatch,
  ) {
    this.#outbox = outbox;
    this.#siblings = siblings;
    this.#groups = groups;
    this.#notices = notices;
  }

  /** `alsoIdle`: clients that are known and have nothing pending. Gives whether there was something to tell. */
  tell(alsoIdle: readonly string[]): boolean {
    const clientIds = [...new Set([...this.#siblings.clientIds(), ...alsoIdle])]
      .filter((clientId) => !this.#outbox.has(clientId) && this.#groups.isOurs(clientId))
      .sort();
    const text = clientIds.join(' ');
    if (text === this.#told) return false;
    this.#told = text;
    this.#notices.add({ type: 'others', clientIds });
    return true;
  }

  /** The next list is told even if it is the same: whoever was to take one over may have failed to. */
  again(): void {
    this.#told = '';
  }
}
