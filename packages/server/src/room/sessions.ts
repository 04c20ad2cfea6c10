import type { HelloClient } from '@alcove/core/protocol/client-message';
import { HELLO_CLIENTS_MAX } from '@alcove/core/protocol/client-message';
import type { Codec } from '@alcove/core/protocol/codec';
import type { RoomAccess } from '../access/access.ts';
import type { ReaderClass } from '../access/reader-class.ts';
import { viewOf } from '../access/view.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { SessionState } from './session.ts';

/** One connection that was let in. */
export interface Session {
  readonly connectionId: string;
  /** The same for every connection of a client, so that others see one person across a reconnect. */
  readonly sessionId: string;
  readonly clientId: string;
  readonly groupId: string;
  readonly subject: string;
  readonly codec: Codec;
  /** What hello said of the clients it pushes for, its own among them. */
  readonly clients: ReadonlyMap<string, HelloClient>;
  /** Others that it pushed for, see `speakFor`. */
  readonly adopted: Set<string>;
  /** Clients of it that the room knew once and forgot. */
  readonly forgotten: ReadonlySet<string>;
  /** Of a schema before the room's that can follow it: what it does not know it leaves out, and it takes no images. */
  readonly isOlder: boolean;
  /** The id of the schema its replica has. */
  readonly schemaSeen: string;
  /** Follows the claims. */
  readerClass: ReaderClass;
  /** Snapshot kinds it takes, best first. */
  snapshots: readonly ('image' | 'rows')[];
  access: RoomAccess;
  /** A tab's at a follower, which tells it of the room's rows and states: here it has its results and answers. */
  readonly isRelayed: boolean;
  /** A follower that has said where it stands: it gets records of the log instead of commits. */
  takesRecords: boolean;
  state: SessionState;
  /** Results of versions above it have not been told on this connection while it is in no stream: the version it was welcomed at, or where it fell out. */
  owedFrom: number;
  /** Monotonic time of its last word, and when its token runs out. */
  heardMs: number;
  accessUntilMs: number | null;
  /** Mutations of it that wait for a flush. */
  queued: number;
  /** Its messages since its socket was seen empty. */
  saidWhileFull: number;
}

/** Of what it gets to see, as a token. */
export const sessionView = ({ readerClass, schemaSeen }: Session): string => viewOf(readerClass, schemaSeen);

/** The session pushes for a client that its hello did not name. As many as a hello may name are held in mind, the ones named last. */
export function speakFor({ adopted }: Session, clientId: string): void {
  adopted.delete(clientId);
  adopted.add(clientId);
  const [oldest] = adopted;
  if (adopted.size > HELLO_CLIENTS_MAX && oldest !== undefined) adopted.delete(oldest);
}

/** Every client the session speaks for, under the group it speaks for it in. */
export const spokenFor = ({ clients, adopted, groupId }: Session): { readonly clientId: string; readonly groupId: string }[] =>
  [...clients.keys(), ...adopted].map((clientId) => ({ clientId, groupId }));

/** The sessions of a room by connection, by client and by client group. */
export class Sessions {
  readonly #byConnection = new Map<string, Session>();
  readonly #byClient = new Map<string, Session>();
  readonly #byGroup = new Map<string, Set<Session>>();
  readonly #countByUser = new Map<string, number>();
  readonly #streamed = new Set<Session>();
  /** Servers that follow the room. */
  readonly #followers = new Set<Session>();
  #relayed = 0;

  /** Those that are told of the room's rows from here. */
  get streamed(): Iterable<Session> {
    return this.#streamed;
  }

  /** Everybody, servers that follow the room among them. */
  get size(): number {
    return this.#byConnection.size;
  }

  /** Of tabs, wherever they are connected. */
  get tabs(): number {
    return this.size - this.#followers.size;
  }

  /** Of tabs that are connected to followers. */
  get relayed(): number {
    return this.#relayed;
  }

  /** Of servers that follow the room. */
  get followers(): number {
    return this.#followers.size;
  }

  get(connectionId: string): Session | undefined {
    return this.#byConnection.get(connectionId);
  }

  ofClient(clientId: string): Session | undefined {
    return this.#byClient.get(clientId);
  }

  ofGroup(groupId: string): Iterable<Session> {
    return this.#byGroup.get(groupId) ?? [];
  }

  /** Subject of the live sessions of a group; they all have the same, see `join`. */
  subjectOfGroup(groupId: string): string | null {
    const [session] = this.#byGroup.get(groupId) ?? [];
    return session?.subject ?? null;
  }

  /** Sessions of one user, see userKeyOf. */
  countOf(user: string): number {
    return this.#countByUser.get(user) ?? 0;
  }

  add(session: Session): void {
    const user = userKeyOf(session);
    this.#countByUser.set(user, this.countOf(user) + 1);
    this.#byConnection.set(session.connectionId, session);
    if (session.isRelayed) this.#relayed += 1;
    else this.#streamed.add(session);
    if (session.access.isFollower === true) this.#followers.add(session);
    this.#byClient.set(session.clientId, session);
    const group = this.#byGroup.get(session.groupId) ?? new Set();
    group.add(session);
    this.#byGroup.set(session.groupId, group);
  }

  remove(session: Session): void {
    if (!this.#byConnection.delete(session.connectionId)) return;
    this.#streamed.delete(session);
    this.#followers.delete(session);
    if (session.isRelayed) this.#relayed -= 1;
    const user = userKeyOf(session);
    if (this.countOf(user) > 1) this.#countByUser.set(user, this.countOf(user) - 1);
    else this.#countByUser.delete(user);
    if (this.#byClient.get(session.clientId) === session) this.#byClient.delete(session.clientId);
    const group = this.#byGroup.get(session.groupId);
    group?.delete(session);
    if (group?.size === 0) this.#byGroup.delete(session.groupId);
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byConnection.values();
  }
}
