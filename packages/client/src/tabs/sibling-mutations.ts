import type { Mutation } from '@alcove/core/mutation/mutation';
import type { HelloClient } from '@alcove/core/protocol/client-message';
import type { MutationResult } from '@alcove/core/protocol/server-message';

/** A version of one history. */
export interface VersionAt {
  readonly historyId: string;
  readonly version: number;
}

interface Pending {
  readonly mutation: Mutation;
  readonly bytes: number;
  /** With which version it is no longer pending; null: not known. */
  endsAt: VersionAt | null;
}

/** A client of another tab. */
interface Sibling {
  /** Highest mutationId whose end was shown, or heard of before it came here. */
  confirmed: number;
  /** Highest mutationId whose end was heard of. */
  heard: number;
  /** Version of its first welcome, as far as is known. */
  welcomed: number | null;
  /** Up to which mutation the room is known to have decided them, and by which version; null: not known. */
  decided: { readonly mutationId: number; readonly at: VersionAt } | null;
  /** In order of mutationIds. */
  readonly pending: Pending[];
}

/** Clients of which only the counter is kept, so that a late word of theirs is known to be late. */
const IDLE_MAX = 200;

/**
 * Pending mutations of the other tabs of this browser: shown here, pushed there. What ends one is the room's result, which the whole client group hears, or the
 * word of the tab it is of; both may come late, twice or before the mutation itself. Knows no rows and no socket.
 */
export class SiblingMutations {
  readonly #siblings = new Map<string, Sibling>();
  readonly #bytesOf: (mutation: Mutation) => number;
  #count = 0;
  #bytes = 0;
  #changes = 0;
  #asked: readonly string[] = [];

  /** `bytesOf`: what a mutation counts for in `bytes`. */
  constructor(bytesOf: (mutation: Mutation) => number = () => 0) {
    this.#bytesOf = bytesOf;
  }

  /** How many are pending. */
  get count(): number {
    return this.#count;
  }

  /** Those of them that are not known to be decided. */
  get undecided(): number {
    let count = 0;
    for (const { pending } of this.#siblings.values()) for (const { endsAt } of pending) if (endsAt === null) count += 1;
    return count;
  }

  /** Of all that are pending. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rises with every change of what is pending. */
  get changes(): number {
    return this.#changes;
  }

  /** Makes mutations known; gives those that are new, to be shown. `confirmed`: those up to it have ended. */
  add(clientId: string, confirmed: number, mutations: readonly Mutation[]): Mutation[] {
    const sibling = this.#siblingOf(clientId);
    const fresh: Mutation[] = [];
    sibling.heard = Math.max(sibling.heard, confirmed);
    for (const mutation of mutations) {
      if (mutation.mutationId <= Math.max(sibling.confirmed, confirmed)) continue;
      const last = sibling.pending.at(-1);
      const isLast = last === undefined || last.mutation.mutationId < mutation.mutationId;
      const at = isLast ? -1 : sibling.pending.findIndex((known) => known.mutation.mutationId >= mutation.mutationId);
      if (at !== -1 && sibling.pending[at]?.mutation.mutationId === mutation.mutationId) continue;
      const { decided } = sibling;
      const endsAt = decided !== null && mutation.mutationId <= decided.mutationId ? decided.at : null;
      const entry: Pending = { mutation, bytes: this.#bytesOf(mutation), endsAt };
      sibling.pending.splice(at === -1 ? sibling.pending.length : at, 0, entry);
      this.#counted(entry, 1);
      fresh.push(mutation);
    }
    return fresh;
  }

  /**
   * What the room said to the group; of other clients nothing is taken. Where a client's own session had its results one by one, another's may begin with the last of
   * them: whatever came before it is decided, too.
   */
  takeResults(historyId: string, results: readonly MutationResult[]): void {
    for (const { clientId, mutationId, version } of results) {
      const sibling = this.#siblings.get(clientId);
      if (sibling === undefined) continue;
      const at: VersionAt = { historyId, version };
      if (mutationId > (sibling.decided?.mutationId ?? 0) || sibling.decided?.at.historyId !== historyId)
        sibling.decided = { mutationId, at };
      for (const entry of sibling.pending) {
        if (entry.mutation.mutationId > mutationId) break;
        this.#ends(entry, entry.endsAt ?? at);
      }
    }
  }

  /**
   * What a hello says of clients with something pending that are not this tab's, so that the room tells what it has decided of them; at most so many. They are
   * `asked` about until the next hello.
   */
  hello(isOwn: (clientId: string) => boolean, max: number): HelloClient[] {
    this.#asked = this.clientIds()
      .filter((clientId) => !isOwn(clientId))
      .slice(0, max);
    return this.#asked.map((clientId) => {
      const { pending, welcomed } = this.#siblingOf(clientId);
      // Whoever speaks for it says what was heard.
      return { clientId, lastMutationId: pending.at(-1)?.mutation.mutationId ?? 0, confirmed: 0, welcomed };
    });
  }

  get asked(): readonly string[] {
    return this.#asked;
  }

  /** The word of its tab: all up to `confirmed` have ended with that version; null: whatever is shown, they are gone. */
  confirmed(clientId: string, confirmed: number, at: VersionAt | null): void {
    const sibling = this.#siblingOf(clientId);
    sibling.heard = Math.max(sibling.heard, confirmed);
    for (const entry of sibling.pending) {
      if (entry.mutation.mutationId > confirmed) break;
      this.#ends(entry, at ?? NOW);
    }
    if (sibling.pending.length === 0) sibling.confirmed = Math.max(sibling.confirmed, confirmed);
  }

  /** Nobody has anything of it any more: what is not known to end with a version that is still to be shown ends now. */
  gone(clientId: string): void {
    const sibling = this.#siblingOf(clientId);
    sibling.heard = Number.MAX_SAFE_INTEGER;
    for (const entry of sibling.pending) this.#ends(entry, entry.endsAt ?? NOW);
    if (sibling.pending.length === 0) sibling.confirmed = Number.MAX_SAFE_INTEGER;
  }

  /** Removes and gives what has ended in what is shown: a state of another history holds all that is said of it, or never will. */
  settle(shown: VersionAt): Mutation[] {
    const ended: Mutation[] = [];
    for (const sibling of this.#siblings.values()) {
      const left = sibling.pending.filter((entry) => {
        const { mutation, endsAt } = entry;
        if (endsAt === null || (endsAt.historyId === shown.historyId && endsAt.version > shown.version)) return true;
        ended.push(mutation);
        this.#counted(entry, -1);
        sibling.confirmed = Math.max(sibling.confirmed, mutation.mutationId);
        return false;
      });
      if (left.length < sibling.pending.length) sibling.pending.splice(0, sibling.pending.length, ...left);
    }
    if (ended.length > 0) this.#forgetIdle();
    return ended;
  }

  /** Its mutations past `confirmed` are this tab's now, or nobody's: removes and gives them. */
  take(clientId: string, confirmed = 0): Mutation[] {
    const sibling = this.#siblings.get(clientId);
    if (sibling === undefined) return [];
    const from = sibling.pending.findIndex(({ mutation }) => mutation.mutationId > confirmed);
    const entries = from === -1 ? [] : sibling.pending.splice(from);
    for (const entry of entries) this.#counted(entry, -1);
    const taken = entries.map(({ mutation }) => mutation);
    sibling.confirmed = Math.max(sibling.confirmed, taken.at(-1)?.mutationId ?? 0);
    return taken;
  }

  /** Of one client, in order. */
  pendingOf(clientId: string): Mutation[] {
    return (this.#siblings.get(clientId)?.pending ?? []).map(({ mutation }) => mutation);
  }

  /** Those of the client up to there have ended, as far as was heard; some of them may still be shown. */
  confirmedOf(clientId: string): number {
    const sibling = this.#siblings.get(clientId);
    return Math.max(sibling?.confirmed ?? 0, sibling?.heard ?? 0);
  }

  /** Its tab said at which version it was welcomed first; the earliest that was said counts. */
  welcomed(clientId: string, version: number | null): void {
    if (version === null) return;
    const sibling = this.#siblingOf(clientId);
    sibling.welcomed = Math.min(sibling.welcomed ?? version, version);
  }

  welcomedOf(clientId: string): number | null {
    return this.#siblings.get(clientId)?.welcomed ?? null;
  }

  /** To be shown, below this tab's own. */
  pending(): Mutation[] {
    return [...this.#siblings.values()].flatMap((sibling) => sibling.pending.map(({ mutation }) => mutation));
  }

  /** The oldest that are not known to be decided, by the time of the call, at most so many. */
  oldest(max: number): Mutation[] {
    const open = [...this.#siblings.values()].map(({ pending }) => pending.filter(({ endsAt }) => endsAt === null).slice(0, max));
    const first = open.flatMap((entries) => entries.map(({ mutation }) => mutation));
    return first.sort((a, b) => a.nowMs - b.nowMs).slice(0, max);
  }

  /** Clients of which something is pending. */
  clientIds(): string[] {
    return [...this.#siblings].filter(([, { pending }]) => pending.length > 0).map(([clientId]) => clientId);
  }

  /** Clients that were heard of, also such of which nothing is pending. */
  known(): string[] {
    return [...this.#siblings.keys()];
  }

  #siblingOf(clientId: string): Sibling {
    const known = this.#siblings.get(clientId);
    if (known !== undefined) return known;
    const sibling: Sibling = { confirmed: 0, heard: 0, welcomed: null, decided: null, pending: [] };
    this.#siblings.set(clientId, sibling);
    return sibling;
  }

  #ends(entry: Pending, at: VersionAt): void {
    if (entry.endsAt === null) this.#changes += 1;
    entry.endsAt = at;
  }

  #counted({ bytes }: Pending, by: 1 | -1): void {
    this.#count += by;
    this.#bytes += by * bytes;
    this.#changes += 1;
  }

  /** The first that fell idle go first. */
  #forgetIdle(): void {
    const idle = [...this.#siblings].filter(([, { pending }]) => pending.length === 0);
    for (const [clientId] of idle.slice(0, Math.max(0, idle.length - IDLE_MAX))) this.#siblings.delete(clientId);
  }
}

/** Before anything that is shown. */
const NOW: VersionAt = { historyId: '', version: 0 };
