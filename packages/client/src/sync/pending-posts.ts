import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Outbox } from '../outbox/outbox.ts';
import type { TabMessage } from '../tabs/tab-channel.ts';
import { byClient } from './left-client.ts';
import type { StoredRows } from './stored-rows.ts';

/** Tells the other tabs what is pending here, with how far its clients have come. */
export class PendingPosts {
  readonly #outbox: Pick<Outbox, 'counters'>;
  readonly #rows: Pick<StoredRows, 'groupId'>;
  readonly #post: (message: TabMessage) => void;
  /** Called in this turn: posted together. */
  #called: Mutation[] = [];

  constructor(outbox: Pick<Outbox, 'counters'>, rows: Pick<StoredRows, 'groupId'>, post: (message: TabMessage) => void) {
    this.#outbox = outbox;
    this.#rows = rows;
    this.#post = post;
  }

  called(mutation: Mutation): void {
    this.#called.push(mutation);
  }

  /** The end of a turn. */
  flush(): void {
    const called = this.#called;
    if (called.length === 0) return;
    this.#called = [];
    this.post(called);
  }

  post(pending: readonly Mutation[]): void {
    for (const [clientId, mutations] of byClient(pending)) {
      const { confirmed, welcomed } = this.#outbox.counters(clientId) ?? { confirmed: 0, welcomed: null };
      this.#post({ type: 'pending', clientId, groupId: this.#rows.groupId, confirmed, welcomed, mutations });
    }
  }
}
