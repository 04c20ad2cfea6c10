import type { TakenMutations } from './taken-mutations.ts';
import type { EngineClient, SettledNotice } from '../sync/engine-interface.ts';

/** Clients of page loads that are gone, whose mutations are this page's to tell of: their counters, for the next engine. */
export class AdoptedClients {
  readonly #clients = new Map<string, EngineClient>();
  /** Those of them that are of page loads that are gone, and not of this page's own calls. */
  readonly #left = new Set<string>();

  all(): EngineClient[] {
    return [...this.#clients.values()];
  }

  add(client: EngineClient): void {
    this.#clients.set(client.clientId, client);
  }

  /** Taken over, or more of it is: how far this page has heard of one that it knows stays as it was. */
  extend(client: EngineClient): void {
    const known = this.#clients.get(client.clientId);
    this.#left.add(client.clientId);
    this.add(known === undefined ? client : { ...known, lastMutationId: client.lastMutationId });
  }

  remove(clientId: string): void {
    this.#clients.delete(clientId);
    this.#left.delete(clientId);
  }

  /** Forgets those of page loads that are gone of which all is on the disk, and gives them. */
  letGo(clientIds: readonly string[], taken: TakenMutations): string[] {
    const isSaved = (clientId: string): boolean => [...taken.of(clientId).values()].every((mutation) => mutation.isSaved);
    const gone = clientIds.filter((clientId) => this.#left.has(clientId) && isSaved(clientId));
    for (const clientId of gone) {
      this.remove(clientId);
      taken.remove(clientId);
    }
    return gone;
  }

  /** The session speaks for them, too. */
  welcomed(version: number): void {
    for (const client of this.all()) this.add({ ...client, welcomed: Math.min(client.welcomed ?? version, version) });
  }

  /** With its last mutation a client is done. */
  settled({ clientId, mutationId }: SettledNotice): void {
    const client = this.#clients.get(clientId);
    if (client === undefined) return;
    if (mutationId >= client.lastMutationId) this.remove(clientId);
    else this.add({ ...client, confirmed: mutationId });
  }

  /** What was (`clientId`, n) is (`to`, n − `offset`). */
  rename(clientId: string, to: string, offset: number): void {
    const client = this.#clients.get(clientId);
    if (this.#left.has(clientId)) this.#left.add(to);
    this.remove(clientId);
    if (client !== undefined) this.add({ ...client, clientId: to, lastMutationId: client.lastMutationId - offset, confirmed: 0 });
  }
}
