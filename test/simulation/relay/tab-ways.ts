import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { FetchedImage } from '../../../packages/client/src/sync/engine-interface.ts';
import type { Prng } from '../../fake/prng.ts';
import type { StreamAudit } from '../check/stream-audit.ts';
import type { Frame } from '../network/link.ts';
import type { Network } from '../network/network.ts';
import type { SimFollower } from '../reads/sim-follower.ts';
import type { ImageDesk } from '../room/image-desk.ts';
import type { SimProcess } from '../world/sim-process.ts';

export interface TabWaysParts {
  readonly network: Network;
  readonly audit: StreamAudit;
  readonly images: ImageDesk;
}

/** Of connections so many go to the primary, where there are followers. */
const TO_PRIMARY_SHARE = 0.25;

/** Which server each connection of a tab comes to, as behind a load balancer that knows nobody again; and what the tab finds there. */
export class TabWays {
  /** Connections by the server they went to. */
  readonly counts = new Map<string, number>();
  readonly #random: Prng;
  readonly #followers: readonly SimFollower[];
  readonly #parts: TabWaysParts;

  /** @param followers Those that serve tabs. */
  constructor(random: Prng, followers: readonly SimFollower[], parts: TabWaysParts) {
    this.#random = random;
    this.#followers = followers;
    this.#parts = parts;
  }

  connect(worker: SimProcess, handlers: SocketHandlers): Socket {
    const { network } = this.#parts;
    const isToPrimary = this.#followers.length === 0 || this.#random.chance(TO_PRIMARY_SHARE);
    if (isToPrimary) return network.connect(worker, handlers);
    const follower = this.#random.pick(this.#followers);
    this.counts.set(follower.id, (this.counts.get(follower.id) ?? 0) + 1);
    return network.connect(worker, handlers, follower);
  }

  /** The view that a frame to a tab names. */
  viewIn(frame: Frame): string | null {
    for (const audit of this.#audits()) {
      const view = audit.viewIn(frame);
      if (view !== null) return view;
    }
    return null;
  }

  /** From the server that gave it out. */
  fetchImage(worker: SimProcess, path: string): Promise<FetchedImage> {
    const { images } = this.#parts;
    const desk = this.#followers.map(({ tabs }) => tabs?.imagesAt(path) ?? null).find((found) => found !== null);
    if (desk === undefined || desk === null) return images.fetch(worker, { path });
    desk.trouble = images.trouble;
    return desk.fetch(worker, { path });
  }

  *#audits(): Generator<StreamAudit> {
    yield this.#parts.audit;
    for (const { tabs } of this.#followers) if (tabs !== null) yield tabs.audit;
  }
}
