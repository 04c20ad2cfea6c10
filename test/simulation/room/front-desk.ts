import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import { encodeMessage } from '@alcove/core/protocol/codec';
import type { RoomAccess } from '../../../packages/server/src/access/access.ts';
import { admit, type Gatekeeper, readHello } from '../../../packages/server/src/access/front.ts';
import type { StreamAudit } from '../check/stream-audit.ts';
import type { Frame, Link, ServerHandlers } from '../network/link.ts';
import { FOLLOWER_TOKEN } from './addresses.ts';
import { playground } from './playground.ts';
import { SEES_ALL, type Sight } from './rule-sets.ts';
import type { Guest, Life } from './server-life.ts';

/** As the Node host lets followers in: they read, and do nothing in the room. */
const FOLLOWER: RoomAccess = { claims: null, isFollower: true, allows: () => false };

/** Whoever comes to a server: from the first frame to the room, or back out. */
export class FrontDesk {
  readonly #audit: StreamAudit;
  readonly #gatekeeper: Gatekeeper;

  constructor(audit: StreamAudit, gatekeeper: Gatekeeper) {
    this.#audit = audit;
    this.#gatekeeper = gatekeeper;
  }

  accept(life: Life, link: Link): ServerHandlers {
    life.guests.set(link.connectionId, { link, waiting: [], helloRead: false });
    return {
      onFrame: (connectionId, frame) => this.#receive(life, connectionId, frame),
      onClose: (connectionId, code) => {
        const guest = life.guests.get(connectionId);
        life.guests.delete(connectionId);
        this.#audit.closed(connectionId);
        if (guest?.waiting === null) life.call(() => life.room.leave(connectionId, code === 1000 || code === 1001 ? 'clean' : 'lost'));
      },
    };
  }

  renewAccess(life: Life, connectionId: string, token: string): void {
    admit(token, this.#gatekeeper).then(
      (access) => life.process.enter(() => this.#renewed(life, connectionId, access)),
      (error: unknown) => life.process.enter(() => life.room.disconnect(connectionId, AlcoveError.from(error))),
    );
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
      if (hello.token === FOLLOWER_TOKEN) return this.#join(life, guest, hello, FOLLOWER);
      admit(hello.token, this.#gatekeeper).then(
        (access) => life.process.enter(() => this.#join(life, guest, hello, access)),
        (error: unknown) => life.process.enter(() => this.#turnAway(life, guest, AlcoveError.from(error))),
      );
    } catch (error) {
      this.#turnAway(life, guest, AlcoveError.from(error));
    }
  }

  #join(life: Life, guest: Guest, hello: HelloMessage, access: RoomAccess): void {
    const { connectionId } = guest.link;
    if (life.guests.get(connectionId) !== guest || life.over) return;
    const frames = guest.waiting ?? [];
    guest.waiting = null;
    this.#audit.joining(connectionId, hello, sightOf(life, access));
    life.call(() => life.room.join(connectionId, hello, access));
    for (const frame of frames) this.#receive(life, connectionId, frame);
  }

  #turnAway(life: Life, { link }: Guest, error: AlcoveError): void {
    life.guests.delete(link.connectionId);
    link.sendFromServer(encodeMessage({ type: 'error', ...error.toBody() }, 'json', life.process.runtime));
    link.closeFromServer(error);
  }

  #renewed(life: Life, connectionId: string, access: RoomAccess): void {
    this.#audit.renewed(connectionId, sightOf(life, access));
    life.room.renewAccess(connectionId, access);
  }
}

const sightOf = ({ build }: Life, { claims, isFollower = false }: RoomAccess): Sight =>
  isFollower ? SEES_ALL : build.ruleSet.sightOf(claims ?? {});
