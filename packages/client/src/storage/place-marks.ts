import type { StoragePlace } from './storage.ts';

/** A small storage beside the one that rooms are kept in: short texts by key. Each may throw where the browser refuses it. */
export interface MarkTexts {
  read(key: string): string | null;
  /** Null removes it. */
  write(key: string, text: string | null): void;
  keys(): readonly string[];
}

/** The disk lost mutations that had not reached the room, of earlier loads of the page. */
export interface LostOutbox {
  /** `emptied`: all that was kept of the room is gone, as after a clearing of browser data. `damaged`: part of it could not be read. */
  readonly why: 'emptied' | 'damaged';
  /** Wall time when it was noticed, in ms. */
  readonly atMs: number;
}

/** What is remembered of a place: which storage it was, and of which page loads something was pending on its disk. */
interface PlaceMark {
  readonly groupId: string;
  readonly clients: readonly string[];
}

/** Of a place that has more, the newest are remembered; one is enough to tell that something is gone. */
const CLIENTS_MAX = 50;
const PREFIX = 'alcove ';

/** Names a place where names are texts; `placeOf` reads it again. */
export const placeName = ({ server, user, roomName, roomId }: StoragePlace): string =>
  `${PREFIX}${JSON.stringify([server, user, roomName, roomId])}`;

/** Null for what is no name of a place. */
export function placeOf(name: string): StoragePlace | null {
  const parts = name.startsWith(PREFIX) ? parsed(name.slice(PREFIX.length)) : null;
  if (!Array.isArray(parts) || parts.length !== 4) return null;
  const [server, user, roomName, roomId] = parts as unknown[]; // each is looked at
  if (typeof server !== 'string' || typeof roomName !== 'string' || typeof roomId !== 'string') return null;
  return user === null || typeof user === 'string' ? { server, user, roomName, roomId } : null;
}

/**
 * Remembers, outside of the storage that rooms are kept in, that something was kept there: so that a storage that was emptied is told from one that is used for
 * the first time. A browser that refuses it costs that knowledge and nothing else.
 */
export class PlaceMarks {
  readonly #texts: MarkTexts;

  constructor(texts: MarkTexts) {
    this.#texts = texts;
  }

  /**
   * The place was opened at the start of a page and is `groupId`'s; these clients have something pending there. Gives the group of the mark before, where that was
   * another one with something pending: what it kept was emptied, or forgotten.
   */
  opened(place: StoragePlace, groupId: string, clients: readonly string[]): string | null {
    const known = this.#read(place);
    this.#write(place, { groupId, clients });
    return known !== null && known.groupId !== groupId && known.clients.length > 0 ? known.groupId : null;
  }

  /** These clients, of those that this page speaks for, have something pending on the disk of the place; the others of `own` have nothing. */
  pending(place: StoragePlace, groupId: string, own: readonly string[], withPending: readonly string[]): void {
    const known = this.#read(place);
    const before = known?.groupId === groupId ? known.clients : [];
    const clients = [...before.filter((clientId) => !own.includes(clientId)), ...withPending].slice(-CLIENTS_MAX);
    if (known?.groupId === groupId && clients.join() === before.join()) return;
    this.#write(place, { groupId, clients });
  }

  forget(place: StoragePlace): void {
    this.#write(place, null);
  }

  /** All that were marked. */
  places(): StoragePlace[] {
    try {
      return this.#texts
        .keys()
        .map(placeOf)
        .filter((place) => place !== null);
    } catch {
      return []; // refused
    }
  }

  #read(place: StoragePlace): PlaceMark | null {
    try {
      const found = parsed(this.#texts.read(placeName(place)) ?? 'null');
      if (typeof found !== 'object' || found === null || !('groupId' in found) || !('clients' in found)) return null;
      const { groupId, clients } = found;
      if (typeof groupId !== 'string' || !Array.isArray(clients)) return null;
      return { groupId, clients: clients.filter((clientId) => typeof clientId === 'string') };
    } catch {
      return null; // refused
    }
  }

  #write(place: StoragePlace, mark: PlaceMark | null): void {
    try {
      this.#texts.write(placeName(place), mark === null ? null : JSON.stringify(mark));
    } catch {
      // Refused, or full: an emptied storage is not told then.
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
