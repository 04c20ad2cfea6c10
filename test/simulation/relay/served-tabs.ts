import { FakeRuntime } from '../../fake/fake-runtime.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import { type HostLimits, resolveHostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import type { RelayLink } from '../../../packages/server/src/host/node/relayed-room.ts';
import { resolveRoomOptions, type RoomLimits } from '../../../packages/server/src/room/room-options.ts';
import { clientLookUps } from '../check/client-look-ups.ts';
import type { ReadAudit } from '../check/read-audit.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import { StreamAudit } from '../check/stream-audit.ts';
import type { History } from '../oracle/history.ts';
import { ImageDesk } from '../room/image-desk.ts';
import type { RoomDisk } from '../room/room-disk.ts';
import type { RoomHost } from '../room/room-host.ts';
import type { Build } from '../world/builds.ts';
import type { Clients } from '../world/clients.ts';
import type { Findings } from '../world/findings.ts';
import type { Grants } from '../world/grants.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Trace } from '../world/trace.ts';
import { FollowerDoor } from './follower-door.ts';

export interface ServedTabsParts {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly findings: Findings;
  readonly sights: SightWatch;
  readonly history: History;
  readonly reads: ReadAudit;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly host: RoomHost;
  readonly roomLimits: Partial<RoomLimits>;
  readonly hostLimits: Partial<HostLimits>;
  readonly hasImages: boolean;
}

interface Serving {
  readonly process: SimProcess;
  readonly build: Build;
  readonly images: ImageDesk;
}

/** The tabs of one follower, over all of its lives: their door, images of its file, and what is told to them, looked at where it leaves. */
export class ServedTabs {
  readonly audit: StreamAudit;
  readonly #parts: ServedTabsParts;
  readonly #random: Prng;
  readonly #hostLimits: HostLimits;
  readonly #roomLimits: RoomLimits;
  #serving: Serving | null = null;

  constructor(parts: ServedTabsParts, random: Prng) {
    const { grants, clients, host, roomLimits, hostLimits } = parts;
    this.#parts = parts;
    this.#random = random;
    this.#hostLimits = resolveHostLimits(hostLimits);
    this.#roomLimits = resolveRoomOptions({ limits: roomLimits }).limits;
    this.audit = new StreamAudit({
      ...parts,
      ...clientLookUps(clients, () => host.database),
      runtime: new FakeRuntime({ seed: 'audit' }),
      border: {
        claimsIn: (token) => grants.saidIn(token),
        // Rules are the follower's own: those that it was started with.
        sightOf: (claims) => (this.#serving?.build ?? host.build).ruleSet.sightOf(claims),
      },
    });
  }

  /** A life of the follower begins. */
  open(disk: RoomDisk, { process, build }: Pick<Serving, 'process' | 'build'>, link: () => RelayLink): FollowerDoor {
    const { time, sights, hasImages } = this.#parts;
    const random = this.#random.fork(process.name);
    const images = new ImageDesk(disk, time, random.fork('images'), () => build.room.model, sights, `/${process.name}`);
    this.#serving = { process, build, images };
    return new FollowerDoor({
      process,
      build,
      random,
      audit: this.audit,
      limits: this.#hostLimits,
      roomLimits: this.#roomLimits,
      images: hasImages ? images : null,
      link,
    });
  }

  /** Null: this follower did not give it out, or is gone since. */
  imagesAt(path: string): ImageDesk | null {
    const { process, images } = this.#serving ?? {};
    return process?.alive === true && images !== undefined && path.startsWith(`${images.folder}/`) ? images : null;
  }
}
