import type { StoredRoom } from '../storage/storage.ts';

/**
 * The client group that a page speaks as where it may choose: the room takes a client's mutations from its own group alone. That of the place, unless all that is
 * pending there is of others, as of a tab that had spoken before it could open the place: then that of the oldest, so that a page comes along for each.
 */
export function groupToSpeakAs({ groupId, clients }: Pick<StoredRoom, 'groupId' | 'clients'>): string {
  const pending = clients.filter(({ lastMutationId, confirmed }) => lastMutationId > confirmed);
  const groups = pending.map((client) => client.groupId ?? null);
  return groups.includes(groupId) ? groupId : (groups.find((group) => group !== null) ?? groupId);
}

/** Of more, the first that were heard of are forgotten: they are asked of the disk again before anything is taken over. */
const CLIENTS_MAX = 1_000;

/** Which groups other tabs' clients are of, as far as that is known: what is of another group than this tab's is left to a page of theirs. */
export class ClientGroups {
  readonly #speaksAs: () => string;
  readonly #known = new Map<string, string>();

  constructor(speaksAs: () => string) {
    this.#speaksAs = speaksAs;
  }

  /** For good: a client that has spoken to the room does not change its group. */
  learn(clientId: string, groupId: string | null | undefined): void {
    if (typeof groupId !== 'string') return;
    this.#known.set(clientId, groupId);
    const [first] = this.#known.keys();
    if (this.#known.size > CLIENTS_MAX && first !== undefined) this.#known.delete(first);
  }

  /** One of which nothing is known has not spoken yet, and may be anybody's. */
  isOurs(clientId: string): boolean {
    const groupId = this.#known.get(clientId);
    return groupId === undefined || groupId === this.#speaksAs();
  }
}
