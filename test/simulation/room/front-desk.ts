import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import { encodeMessage } from '@alcove/core/protocol/codec';
import type { RoomAccess } from '../../../packages/server/src/access/access.ts';
import { admit, type Gatekeeper, readHello } from '../../../packages/server/src/access/front.ts';
import type { ConnectionHandlers, HostConnection } from '../../../packages/server/src/host/node/host-connection.ts';
import type { HostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import { RelayFront } from '../../../packages/server/src/host/node/relay-front.ts';
import { LimitMeter } from '../../../packages/server/src/limits/limit-meter.ts';
import type { StreamAudit } from '../check/stream-audit.ts';
import type { Frame, Link, ServerHandlers } from '../network/link.ts';
import { SimConnection } from '../network/sim-connection.ts';
import { FOLLOWER_TOKEN } from './addresses.ts';
import { playground } from './playground.ts';
import { SEES_ALL, type Sight } from './rule-sets.ts';
import type { Guest, Life } from './server-life.ts';

/** As the Node host lets followers in: they read, and do nothing in the room. */
const FOLLOWER: RoomAccess = { claims: null, isFollower: true, allows: () => false };
const MESSAGE_BYTES_MAX = 64_000_000;
const CLEAN_CLOSE_CODES: ReadonlySet<number> = new Set([1000, 1001]);

/** Whoever comes to a server: from the first frame to the room, or back out. */
export class FrontDesk {
  readonly #audit: StreamAudit;
  readonly #gatekeeper: Gatekeeper;
  readonly #limits: HostLimits;

  constructor(audit: StreamAudit, gatekeeper: Gatekeeper, { hostLimits }: { readonly hostLimits: HostLimits }) {
    this.#audit = audit;
    this.#gatekeeper = gatekeeper;
    this.#limits = hostLimits;
  }

  accept(life: Life, link: Link): ServerHandlers {
    const connection = new SimConnection({
      link,
      runtime: life.process.runtime,
      hadRead: () => false,
      reads: () => undefined,
      sends: () => !life.over && life.sendsLeft !== 0,
      ended: () => undefined,
    });
    this.#arrived(life, connection, link);
    return {
      onFrame: (_, frame) => connection.came(frame),
      onClose: (_, code) => connection.gone(code),
    };
  }

  renewAccess(life: Life, connectionId: string, token: string): void {
    admit(token, this.#gatekeeper).then(
      (access) => life.process.enter(() => this.#renewed(life, connectionId, access)),
      (error: unknown) => life.process.enter(() => life.room.disconnect(connectionId, AlcoveError.from(error))),
    );
  }

  /** A socket's, or one of a follower's. */
  #arrived(life: Life, connection: HostConnection, link: Link | null): void {
    const guest: Guest = { connection, link, waiting: [], helloRead: false };
    life.guests.set(connection.id, guest);
    connection.handlers = this.#handlersOf(life, guest);
  }

  #handlersOf(life: Life, guest: Guest): ConnectionHandlers {
    const { id } = guest.connection;
    return {
      message: (frame) => this.#receive(life, id, frame),
      arriving: () => undefined,
      closed: (code) => {
        if (life.guests.get(id) !== guest) return;
        life.guests.delete(id);
        this.#audit.closed(id);
        if (guest.waiting === null) life.call(() => life.room.leave(id, CLEAN_CLOSE_CODES.has(code) ? 'clean' : 'lost'));
      },
    };
  }

  #receive(life: Life, connectionId: string, frame: Frame): void {
    const guest = life.guests.get(connectionId);
    if (guest === undefined || life.over) return;
    if (guest.waiting === null) {
      this.#audit.received(connectionId, frame);
      return life.call(() => life.room.receive(connectionId, frame));
    }
    if (guest.helloRead) {
      guest.waiting.push(frame);
      return;
    }
    guest.helloRead = true;
    try {
      const { hello } = readHello(frame, new Map([[playground.name, life.build.room]]), life.process.runtime);
      // Who comes through a follower is a user, whatever they bring.
      if (!guest.connection.isRelayed && hello.token === FOLLOWER_TOKEN) return this.#join(life, guest, hello, FOLLOWER);
      admit(hello.token, this.#gatekeeper).then(
        (access) => life.process.enter(() => this.#join(life, guest, hello, access)),
        (error: unknown) => life.process.enter(() => this.#turnAway(life, guest, AlcoveError.from(error))),
      );
    } catch (error) {
      this.#turnAway(life, guest, AlcoveError.from(error));
    }
  }

  #join(life: Life, guest: Guest, hello: HelloMessage, access: RoomAccess): void {
    const { connection } = guest;
    if (life.guests.get(connection.id) !== guest || life.over) return;
    const frames = guest.waiting ?? [];
    guest.waiting = null;
    this.#audit.joining(connection.id, hello, sightOf(life, access));
    life.call(() => life.room.join(connection.id, hello, access, connection.isRelayed));
    if (access.isFollower === true && life.guests.get(connection.id) === guest) connection.handlers = this.#relayFor(life, guest);
    for (const frame of frames) this.#receive(life, connection.id, frame);
  }

  /** From here on the socket carries sessions of the follower's tabs as well. */
  #relayFor(life: Life, guest: Guest): RelayFront {
    return new RelayFront(guest.connection, {
      runtime: life.process.runtime,
      limits: this.#limits,
      messageBytesMax: MESSAGE_BYTES_MAX,
      meter: new LimitMeter(new Set()),
      own: this.#handlersOf(life, guest),
      refuses: () => null,
      arrived: (connection) => this.#arrived(life, connection, null),
      ended: () => undefined,
      heard: (connectionId) => life.call(() => life.room.heard(connectionId)),
    });
  }

  #turnAway(life: Life, guest: Guest, error: AlcoveError): void {
    const { connection } = guest;
    if (life.guests.get(connection.id) !== guest) return;
    life.guests.delete(connection.id);
    connection.send(encodeMessage({ type: 'error', ...error.toBody() }, 'json', life.process.runtime));
    connection.close(error);
  }

  #renewed(life: Life, connectionId: string, access: RoomAccess): void {
    this.#audit.renewed(connectionId, sightOf(life, access));
    life.room.renewAccess(connectionId, access);
  }
}

const sightOf = ({ build }: Life, { claims, isFollower = false }: RoomAccess): Sight =>
  isFollower ? SEES_ALL : build.ruleSet.sightOf(claims ?? {});
