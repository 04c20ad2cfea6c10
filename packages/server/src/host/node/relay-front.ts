import { AlcoveError, exhaustive } from '@alcove/core/error';
import { encodeMessage } from '@alcove/core/protocol/codec';
import { decodeRelayWord, RELAY_WORDS, type RelayWordOf, unwrapRelayed } from '@alcove/core/protocol/relay';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { HostLimits } from './host-limits.ts';
import { RelayedConnection } from './relayed-connection.ts';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';

export interface RelayFrontOptions {
  readonly runtime: Runtime;
  readonly limits: HostLimits;
  readonly messageBytesMax: number;
  readonly meter: LimitMeter;
  /** What the follower's own session in the room hears. */
  readonly own: ConnectionHandlers;
  /** Why nobody may come in this way now, if so. */
  refuses(isLocal: boolean): AlcoveError | null;
  /** A tab's connection begins: what it says comes to its handlers. */
  arrived(connection: HostConnection, opened: RelayWordOf<'relayOpen'>): void;
  /** It is over, in a room or not. */
  ended(connectionId: string): void;
  /** It has said something, and was answered at the follower. */
  heard(connectionId: string): void;
}

/** The primary's end of a follower's socket: what it carries for the follower's tabs is taken apart into connections, all else is the follower's own. */
export class RelayFront implements ConnectionHandlers {
  readonly #link: HostConnection;
  readonly #options: RelayFrontOptions;
  readonly #connections = new Map<number, RelayedConnection>();
  #lastSession = 0;

  /** @param link Of a peer that brought the follower token. */
  constructor(link: HostConnection, options: RelayFrontOptions) {
    this.#link = link;
    this.#options = options;
  }

  message(frame: string | Uint8Array): void {
    const relayed = unwrapRelayed(frame);
    if (relayed === null) return this.#options.own.message(frame);
    // Of a session that has just ended: what it said is lost with it, and it comes again.
    if (relayed.session !== RELAY_WORDS) return this.#connections.get(relayed.session)?.came(relayed.frame);
    try {
      this.#word(relayed.frame);
    } catch (cause) {
      this.#link.close(AlcoveError.from(cause, 'bad_message'));
    }
  }

  arriving(): void {
    this.#options.own.arriving();
  }

  closed(code: number): void {
    for (const connection of [...this.#connections.values()]) connection.left(false);
    this.#options.own.closed(code);
  }

  #word(frame: Uint8Array): void {
    const { runtime, messageBytesMax } = this.#options;
    const word = decodeRelayWord(frame, runtime, { messageBytesMax });
    switch (word?.type) {
      case undefined:
        return;
      case 'relayOpen':
        return this.#open(word);
      case 'relayLeft':
        return this.#connections.get(word.session)?.left(word.clean);
      case 'relayAlive':
        return this.#alive(word);
      case 'relayAccess':
      case 'relayHold':
      case 'relayEnd':
        throw new AlcoveError('bad_message', `${word.type} is said by the primary`);
      default:
        return exhaustive(word);
    }
  }

  #open(opened: RelayWordOf<'relayOpen'>): void {
    const { session } = opened;
    if (session <= this.#lastSession)
      throw new AlcoveError('bad_message', `session ${session} of a follower's socket follows session ${this.#lastSession}`);
    this.#lastSession = session;
    const connection: RelayedConnection = new RelayedConnection({
      link: this.#link,
      session,
      runtime: this.#options.runtime,
      ended: () => {
        this.#connections.delete(session);
        this.#options.ended(connection.id);
      },
    });
    const refusal = this.#refusal(opened);
    this.#connections.set(session, connection);
    if (refusal === null) return this.#options.arrived(connection, opened);
    this.#options.meter.saw(refusal);
    connection.send(encodeMessage({ type: 'error', ...refusal.toBody() }, 'json', this.#options.runtime));
    connection.close(refusal);
  }

  #refusal({ isLocal }: RelayWordOf<'relayOpen'>): AlcoveError | null {
    const { relaySessionsMax } = this.#options.limits;
    if (this.#connections.size < relaySessionsMax) return this.#options.refuses(isLocal);
    const limit = 'relaySessionsMax';
    return new AlcoveError('overloaded', `the follower has ${relaySessionsMax} sessions in the room, the limit`, {
      retryAfterMs: 2_000,
      limit,
    });
  }

  #alive({ sessions }: RelayWordOf<'relayAlive'>): void {
    for (const session of sessions) {
      const connection = this.#connections.get(session);
      if (connection !== undefined) this.#options.heard(connection.id);
    }
  }
}
