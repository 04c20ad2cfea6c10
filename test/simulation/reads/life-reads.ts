import type { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { HostReads } from '../../../packages/server/src/host/node/host-reads.ts';
import { RoomReads } from '../../../packages/server/src/host/node/room-reads.ts';
import type { OwnRead } from '../../../packages/server/src/host/node/server-sql.ts';
import { LimitMeter } from '../../../packages/server/src/limits/limit-meter.ts';
import type { RoutedAnswer } from '../../../packages/server/src/read/read-route.ts';
import type { ReadRouter } from '../../../packages/server/src/read/read-router.ts';
import type { RoomAddress } from '../../../packages/server/src/room/room-directory.ts';
import type { ReadAsked } from '../../../packages/server/src/room/room-ports.ts';
import type { Prng } from '../../fake/prng.ts';
import { ROOM_ID } from '../room/addresses.ts';
import type { HostedReads, Life } from '../room/server-life.ts';

/** What the host does for one read's own work at most, and gives out. */
const BOUNDS = { timeoutMs: 600, rowsMax: 10_000, bytesMax: 4_000_000 };
/** As the room's own default. */
const USER_READS_MAX = 8;

/** The reads of one life of the server, wired as the Node host does: the room's sessions → what the host has of them → whether they may → the router. */
export class LifeReads implements HostedReads {
  readonly router: ReadRouter;
  readonly #life: Life;
  readonly #host: HostReads;
  readonly #reads: RoomReads;

  constructor({ life, router, random }: { readonly life: Life; readonly router: ReadRouter; readonly random: Prng }) {
    const { build, process } = life;
    this.router = router;
    this.#life = life;
    // The app takes its time to say whether somebody may read.
    const authorize = (): Promise<boolean> =>
      new Promise((resolve) => {
        process.runtime.setTimer(random.float() * 10, () => resolve(true));
      });
    this.#host = new HostReads({
      rooms: new Map([[build.room.name, build.room]]),
      rules: { authenticate: null, authorize },
      routes: router,
      bounds: BOUNDS,
      runtime: process.runtime,
      meter: new LimitMeter(new Set()),
      mirrorSchemaOf: () => null,
    });
    this.#reads = new RoomReads(USER_READS_MAX, {
      read: (asked, signal) => this.#host.forUser({ name: build.room.name, id: ROOM_ID }, asked, signal),
      answer: (connectionId, request, answer) => this.#answer(connectionId, request, answer),
    });
  }

  begin(connectionId: string, request: number, asked: ReadAsked): void {
    this.#reads.begin(connectionId, request, asked);
  }

  end(connectionId: string, request: number): void {
    this.#reads.end(connectionId, request);
  }

  own(address: RoomAddress, read: OwnRead, head: BookmarkParts): Promise<RoutedAnswer> {
    return this.#host.own(address, read, head);
  }

  /** The server ends in good order. */
  close(): void {
    this.#reads.close();
    void this.router.close();
  }

  #answer(connectionId: string, request: number, answer: RoutedAnswer | AlcoveError): void {
    const { process, room } = this.#life;
    if (!this.#life.over) process.enter(() => room.answerRead(connectionId, request, answer));
  }
}
