import type { MutationName } from '../outbox/client-names.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';

export interface PendingSources {
  readonly outbox: Pick<Outbox, 'pending' | 'pendingUpTo' | 'currentName'>;
  readonly siblings: Pick<SiblingMutations, 'pending' | 'pendingOf'>;
}

/** What was pending at one moment, here and shown of other tabs: how many of those still are. A client's settle in order, so the last of each is kept. */
export class AwaitedMutations {
  readonly #sources: PendingSources;
  #last: MutationName[];

  constructor(sources: PendingSources) {
    this.#sources = sources;
    const byClient = new Map<string, MutationName>();
    for (const { clientId, mutationId } of [...sources.outbox.pending(), ...sources.siblings.pending()]) {
      const last = byClient.get(clientId);
      if (last === undefined || last.mutationId < mutationId) byClient.set(clientId, { clientId, mutationId });
    }
    this.#last = [...byClient.values()];
  }

  /** Rejected ones are decided like any other. */
  get count(): number {
    let count = 0;
    // What has settled stays so.
    this.#last = this.#last.filter((last) => {
      const open = this.#openOf(last);
      count += open;
      return open > 0;
    });
    return count;
  }

  isOf(clientId: string): boolean {
    return this.#last.some((last) => last.clientId === clientId || this.#sources.outbox.currentName(last).clientId === clientId);
  }

  /** Another tab's may have become this one's meanwhile. */
  #openOf(last: MutationName): number {
    const { outbox, siblings } = this.#sources;
    const own = outbox.pendingUpTo(outbox.currentName(last));
    if (own > 0) return own;
    return siblings.pendingOf(last.clientId).filter((sibling) => sibling.mutationId <= last.mutationId).length;
  }
}
