import type { Tab } from '../tab/tab.ts';

/** Whose a client is, under all its names. */
export class Clients {
  readonly #tabs = new Map<string, Tab>();

  /** The first who is known to go by it called it into being. */
  met(clientId: string, by: Tab): void {
    this.#tabs.set(clientId, by);
  }

  /** Whose browser it is of. */
  groupOf(clientId: string): string | undefined {
    return this.#tabs.get(clientId)?.group.groupId;
  }

  /** How often its browser had forgotten the room when its page was loaded; undefined: that is not known. */
  bornIn(clientId: string): number | undefined {
    return this.#tabs.get(clientId.replace(/~.*$/, ''))?.born;
  }
}
