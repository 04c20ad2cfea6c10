import type { Mutation } from '@alcove/core/mutation/mutation';
import type { StoredOutbox } from '../storage/storage.ts';
import type { ClientGroups } from './client-group.ts';
import { HeldOutbox } from './held-outbox.ts';
import { byClient, plainMutation } from './left-client.ts';
import { OthersWord } from './others-word.ts';
import type { StorageFlowOptions } from './storage-flow-options.ts';

type OtherTabsOptions = Pick<StorageFlowOptions, 'outbox' | 'siblings' | 'notices' | 'show' | 'wake' | 'under'>;

/** What other tabs have pending, by their own word or by what the disk has of them: shown here, and told to the page as far as this tab would take it over. */
export class OtherTabs {
  readonly #options: OtherTabsOptions;
  readonly #groups: ClientGroups;
  readonly #held: HeldOutbox;
  readonly #word: OthersWord;
  /** The disk is to be looked at before long. */
  readonly #lookLater: () => void;

  constructor(options: OtherTabsOptions, groups: ClientGroups, lookLater: () => void) {
    this.#options = options;
    this.#groups = groups;
    this.#held = new HeldOutbox(options.under);
    this.#word = new OthersWord({ ...options, groups, held: this.#held });
    this.#lookLater = lookLater;
  }

  /** The next list is told even if it is the same. */
  again(): void {
    this.#word.again();
  }

  /** Mutations of a newer build, which this one leaves alone. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** What was read of these clients, which may be taken over, without what a newer build has to. */
  free(outbox: StoredOutbox, clientIds: readonly string[]): StoredOutbox {
    const free = this.#without(outbox, clientIds);
    this.#tell();
    return free;
  }

  /** Without what a newer build goes on with, also of clients that this tab has taken over. */
  withoutNewer(outbox: StoredOutbox): StoredOutbox {
    return this.#held.withoutNewer(outbox);
  }

  isHeld(clientId: string): boolean {
    return this.#held.has(clientId);
  }

  /** What was heard of them before is not shown any more. */
  #without(outbox: StoredOutbox, clientIds?: readonly string[]): StoredOutbox {
    const { outbox: own, siblings } = this.#options;
    const free = this.#held.without(outbox, (clientId) => own.has(clientId), clientIds);
    for (const clientId of this.#held.clientIds()) siblings.confirmed(clientId, Number.MAX_SAFE_INTEGER, null);
    return free;
  }

  /** A tab's word. */
  said(clientId: string, confirmed: number, mutations: readonly Mutation[]): void {
    const { siblings, show, wake } = this.#options;
    if (this.#held.has(clientId)) return;
    const fresh = siblings.add(clientId, confirmed, mutations);
    if (fresh.length > 0) show(fresh);
    this.#tell();
    wake();
  }

  /** What the disk has; of clients that are not this tab's. */
  left(kept: StoredOutbox): void {
    const { outbox, siblings, show, wake } = this.#options;
    const { clients, mutations } = this.#without(kept);
    const pending = byClient(mutations);
    const fresh: Mutation[] = [];
    for (const { clientId, confirmed, confirmedAt, groupId, welcomed } of clients) {
      if (outbox.has(clientId)) continue;
      this.#groups.learn(clientId, groupId);
      siblings.welcomed(clientId, welcomed);
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
