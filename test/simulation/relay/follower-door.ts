import { AlcoveError } from '@alcove/core/error';
import { readHello } from '../../../packages/server/src/access/front.ts';
import { RelayedRoom, type RelayLink, type TabInfo } from '../../../packages/server/src/host/node/relayed-room.ts';
import type { HostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import { type Arrival, SocketArrivals } from '../../../packages/server/src/host/node/socket-arrivals.ts';
import { LimitMeter } from '../../../packages/server/src/limits/limit-meter.ts';
import type { RoomLimits } from '../../../packages/server/src/room/room-options.ts';
import type { Prng } from '../../fake/prng.ts';
import type { StreamAudit } from '../check/stream-audit.ts';
import type { Frame, Link, ServerHandlers } from '../network/link.ts';
import { SimConnection } from '../network/sim-connection.ts';
import { ROOM_ID } from '../room/addresses.ts';
import type { ImageDesk } from '../room/image-desk.ts';
import { rulesOf } from '../room/row-rules-of.ts';
import type { Build } from '../world/builds.ts';
import type { SimProcess } from '../world/sim-process.ts';

export interface FollowerDoorParts {
  readonly process: SimProcess;
  readonly build: Build;
  readonly random: Prng;
  readonly audit: StreamAudit;
  readonly limits: HostLimits;
  readonly roomLimits: RoomLimits;
  /** Null: it gives out no images. */
  readonly images: ImageDesk | null;
  link(): RelayLink;
}

const INFO: TabInfo = { address: '192.0.2.1', origin: undefined, isLocal: true };
/** Of what comes while a socket is not read, so much was read before. */
const HAD_READ_SHARE = 0.5;
const DRAIN_RETRY_MS = 1_000;

/** What host/node/follower-tabs.ts does with `ws` and HTTP, over the simulated network: tabs from their first byte to the real RelayedRoom. */
export class FollowerDoor {
  readonly room: RelayedRoom;
  readonly #parts: FollowerDoorParts;
  readonly #meter = new LimitMeter(new Set());
  readonly #arrivals: SocketArrivals<TabInfo>;
  readonly #links = new Set<Link>();

  constructor(parts: FollowerDoorParts) {
    const { process, build, limits, roomLimits, images } = parts;
    const { runtime } = process;
    this.#parts = parts;
    this.#arrivals = new SocketArrivals<TabInfo>({
      limits,
      runtime,
      meter: this.#meter,
      letIn: (arrival, frame) => void this.#letIn(arrival, frame),
      ended: () => undefined,
    });
    this.room = new RelayedRoom(
      {
        address: { name: build.room.name, id: ROOM_ID },
        definition: build.room,
        runtime,
        limits,
        roomLimits,
        meter: this.#meter,
        rules: () => rulesOf(build).rules ?? null,
        offerImage: (request) => images?.offer(request) ?? null,
        taken: (connectionId) => this.#arrivals.taken(connectionId),
        replaced: () => images?.clear(),
        early: (connectionId, frame) => this.#arrivals.message(connectionId, frame),
      },
      () => parts.link(),
    );
  }

  accept(link: Link): ServerHandlers {
    const { process, audit, random } = this.#parts;
    const id = link.connectionId;
    this.#links.add(link);
    const connection = new SimConnection({
      link,
      runtime: process.runtime,
      hadRead: () => random.chance(HAD_READ_SHARE),
      reads: (frame) => audit.received(id, frame),
      sends: (frame) => {
        if (process.alive) audit.sent(id, frame);
        return process.alive;
      },
      ended: () => {
        this.#links.delete(link);
        audit.closed(id);
        this.#arrivals.ended(id);
      },
    });
    this.#arrivals.add(connection, INFO);
    return {
      onFrame: (_, frame) => connection.came(frame),
      onClose: (_, code) => connection.gone(code),
    };
  }

  /** Nobody comes in any more, and those that are no further than the door go. */
  drain(): void {
    const { random } = this.#parts;
    this.#arrivals.refuseAll(
      () => new AlcoveError('draining', 'the follower is stopping', { retryAfterMs: Math.ceil(DRAIN_RETRY_MS * (1 + random.float())) }),
    );
  }

  /** The process is dead. */
  died(hearsAfterMs: () => number | null, keepDown: () => boolean): void {
    for (const link of this.#links) link.abandonServer(hearsAfterMs(), keepDown());
    this.#links.clear();
    this.#parts.audit.serverGone();
  }

  async #letIn({ connection }: Arrival<TabInfo>, frame: Frame): Promise<void> {
    const { process, build, audit } = this.#parts;
    connection.hold();
    try {
      const { hello } = readHello(frame, new Map([[build.room.name, build.room]]), process.runtime);
      // As long as it takes to find out whether the room is followed.
      await Promise.resolve();
      process.enter(() => {
        if (!this.#arrivals.has(connection.id)) return; // gone, or turned away meanwhile
        audit.joining(connection.id, hello);
        this.room.join(connection, hello, frame, INFO);
      });
    } catch (cause) {
      if (this.#arrivals.has(connection.id)) this.#arrivals.refuse(connection, AlcoveError.from(cause));
    }
  }
}
