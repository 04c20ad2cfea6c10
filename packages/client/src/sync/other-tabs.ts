import type { Mutation } from '@alcove/core/mutation/mutation';
import type { StoredClient, StoredMutation } from '../storage/storage.ts';
import type { ClientGroups } from './client-group.ts';
import { byClient, plainMutation } from './left-client.ts';
import { OthersWord } from './others-word.ts';
import type { StorageFlowOptions } from './storage-flow-options.ts';

/** What other tabs have pending, by their own word or by what the disk has of them: shown here, and told to the page as far as this tab would take it over. */
export class OtherTabs {
  readonly #options: Pick<StorageFlowOptions, 'outbox' | 'siblings' | 'notices' | 'show' | 'wake'>;
  readonly #groups: ClientGroups;
  readonly #word: OthersWord;
  /** The disk is to be looked at before long. */
  readonly #lookLater: () => void;

  constructor(
    options: Pick<StorageFlowOptions, 'outbox' | 'siblings' | 'notices' | 'show' | 'wake'>,
    groups: ClientGroups,
    lookLater: () => void,
  ) {
    this.#options = options;
    this.#groups = groups;
    this.#word = new OthersWord(options.outbox, options.siblings, groups, options.notices);
    this.#lookLater = lookLater;
  }

  /** The next list is told even if it is the same. */
  again(): void {
    this.#word.again();
  }

  /** A tab's word. */
  said(clientId: string, confirmed: number, mutations: readonly Mutation[]): void {
    const { siblings, show, wake } = this.#options;
    const fresh = siblings.add(clientId, confirmed, mutations);
    if (fresh.length > 0) show(fresh);
    this.#tell();
    wake();
  }

  /** What the disk has; of clients that are not this tab's. */
  left(clients: readonly StoredClient[], mutations: readonly StoredMutation[]): void {
    const { outbox, siblings, show, wake } = this.#options;
    const pending = byClient(mutations);
    const fresh: Mutation[] = [];
    for (const { clientId, confirmed, confirmedAt, groupId } of clients) {
      if (outbox.has(clientId)) continue;
      this.#groups.learn(clientId, groupId);
      siblings.confirmed(clientId, confirmed, confirmedAt);
      for (const mutation of siblings.add(clientId, confirmed, (pending.get(clientId) ?? []).map(plainMutation))) fresh.push(mutation);
    }
    if (fresh.length > 0) show(fresh);
    this.#tell(clients.map(({ clientId }) => clientId));
    wake();
  }

  /** Clients that this tab would take over, were they free. */
  #tell(alsoIdle: readonly string[] = []): void {
    this.#lookLater();
    if (this.#word.tell(alsoIdle)) this.#options.wake();
  }
}
