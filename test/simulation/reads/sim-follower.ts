import { AlcoveError } from '@alcove/core/error';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { ServedFile } from '../../../packages/server/src/follow/followed-copy.ts';
import { FollowerLink } from '../../../packages/server/src/follow/follower-link.ts';
import { type LinkListener, NO_TABS } from '../../../packages/server/src/follow/link-listener.ts';
import type { LinePace } from '../../../packages/server/src/follow/primary-line.ts';
import { isSightOf } from '../../../packages/server/src/read/read-sight.ts';
import type { ReadAnswer, ReadRequest, ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import { digestDatabase } from '../../../packages/server/src/read/digest-database.ts';
import { digestTables, type RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import { RoomUnavailable } from '../../../packages/server/src/read/room-unavailable.ts';
import type { Prng } from '../../fake/prng.ts';
import type { Link, ServerHandlers } from '../network/link.ts';
import type { Listener } from '../network/network.ts';
import type { FollowerDoor } from '../relay/follower-door.ts';
import type { ServedTabs } from '../relay/served-tabs.ts';
import { RoomDisk } from '../room/room-disk.ts';
import type { LostTail } from '../room/room-disk.ts';
import { FOLLOWER_TOKEN, ROOM_ID } from '../room/addresses.ts';
import type { Build } from '../world/builds.ts';
import { type ProcessSurroundings, SimProcess } from '../world/sim-process.ts';
import type { ReplicaServer } from './call-over-network.ts';
import { dialInSimulation } from './dial-in-simulation.ts';
import { SimFollowedFile, type SimFollowedFileParts } from './sim-followed-file.ts';
import { inFile, readFile } from './read-in.ts';

export interface SimFollowerParts extends ProcessSurroundings, Omit<SimFollowedFileParts, 'process' | 'trace' | 'disk' | 'definition'> {
  readonly random: Prng;
  /** Of the release that is installed on servers now. */
  build(): Build;
  connect(process: SimProcess, handlers: SocketHandlers): Socket;
  /** Its process died: servers it was connected to hear of it some time, or never. */
  abandon(process: SimProcess, hearsAfterMs: () => number | null): void;
  wallMs(): number;
  /** Null: it serves none. */
  readonly tabs: ServedTabs | null;
}

/** One start of the process. */
interface FollowerLife {
  readonly process: SimProcess;
  readonly build: Build;
  readonly file: SimFollowedFile;
  readonly link: FollowerLink;
  /** Null: it serves no tabs. */
  readonly door: FollowerDoor | null;
}

/** How long a follower waits for a version that a read names. */
const REACH_MS = 150;
/** A run is over within seconds. */
const PACE: LinePace = { askMsMax: 300, heartbeatMs: 1_000, backoff: { baseMs: 100, maxMs: 2_500 } };
/** Of what was written to its disk a crash takes nothing from before then. */
const SECURE_SHARE = 0.3;
/** Others hear so much later at most that it died, or never. */
const HEARD_MS_MAX = 2_000;

/** A follower: the real FollowerLink over a real file, in a process that dies and comes back to its disk; tabs come to it where the run has them do so. */
export class SimFollower implements ReplicaServer, Listener {
  readonly id: string;
  readonly disk: RoomDisk;
  readonly tabs: ServedTabs | null;
  readonly #parts: SimFollowerParts;
  #life: FollowerLife | null = null;
  starts = 0;
  /** How often it was told to take the room anew. */
  resyncs = 0;
  #copiesBefore = 0;

  constructor(id: string, parts: SimFollowerParts) {
    this.id = id;
    this.#parts = parts;
    this.tabs = parts.tabs;
    this.disk = new RoomDisk(parts.random.fork('disk'));
  }

  get process(): SimProcess | null {
    return this.#life?.process ?? null;
  }

  /** By whose rules it shows rows; null: it is down. */
  get build(): Build | null {
    return this.#life?.build ?? null;
  }

  /** Null: it has none that can be read. */
  get open(): ServedFile | null {
    return this.#life?.file.open ?? null;
  }

  /** The room is of another release than the one that it was started with. */
  get isOutdated(): boolean {
    return this.#life?.file.isOutdated === true;
  }

  /** How often it copied the room. */
  get copies(): number {
    return this.#copiesBefore + (this.#life?.file.copies ?? 0);
  }

  start(): void {
    if (this.#life !== null) return;
    this.starts += 1;
    const { wallMs } = this.#parts;
    const process = new SimProcess(`${this.id}.${this.starts}`, this.#parts, wallMs());
    // Its primary is of another release, or its disk was not as it left it.
    process.expectedErrors.push(/schema_mismatch/, /followed room does not go on/);
    const life = this.#lifeOf(process);
    this.#life = life;
    process.enter(() => life.link.start());
  }

  #lifeOf(process: SimProcess): FollowerLife {
    const { disk } = this;
    const { connect } = this.#parts;
    const build = this.#parts.build();
    const definition = build.room;
    const file = new SimFollowedFile({ ...this.#parts, process, disk, definition });
    const door = this.tabs?.open(disk, { process, build }, () => link) ?? null;
    const link: FollowerLink = new FollowerLink({
      address: { name: definition.name, id: ROOM_ID },
      from: 'ws://primary',
      token: FOLLOWER_TOKEN,
      runtime: process.runtime,
      file,
      dial: dialInSimulation(process, connect),
      listener: this.#securing(door?.room ?? NO_TABS),
      pace: PACE,
    });
    return { process, build, file, link, door };
  }

  /** Now and then what it wrote gets to its disk. */
  #securing(tabs: LinkListener): LinkListener {
    const { random } = this.#parts;
    return {
      get oldest() {
        return tabs.oldest;
      },
      welcomed: (welcome) => tabs.welcomed(welcome),
      following: (file) => tabs.following(file),
      taken: (versions) => {
        if (random.chance(SECURE_SHARE)) this.disk.secure();
        tabs.taken(versions);
      },
      states: (message) => tabs.states(message),
      primaryAt: (version) => tabs.primaryAt(version),
      relayed: (session, frame) => tabs.relayed(session, frame),
      lost: (error) => tabs.lost(error),
    };
  }

  accept(link: Link): ServerHandlers {
    return this.#life?.door?.accept(link) ?? { onFrame: () => undefined, onClose: () => undefined };
  }

  /** @param tail What of its file is left; nothing of it has to be. */
  crash(tail: LostTail): void {
    const life = this.#ended(`dies, tail ${tail}`);
    if (life === null) return;
    const { random, abandon } = this.#parts;
    const hears = (): number | null => random.pick([0, random.int(1, HEARD_MS_MAX), null]);
    life.process.kill();
    life.door?.died(hears, () => random.chance(0.5));
    abandon(life.process, hears);
    this.disk.crashIfOpen(tail);
  }

  /** It ends in good order. @param wipe Its next start is on a disk without its file. */
  stop(wipe: boolean): void {
    const life = this.#ended(wipe ? 'ends, its disk is taken away' : 'ends');
    if (life === null) return;
    life.process.wake();
    life.process.enter(() => {
      life.door?.drain();
      life.link.close();
    });
    life.process.kill();
    this.disk.crashIfOpen('kept');
    if (wipe) this.disk.wipe();
  }

  /** No life any more, before anything of what follows is done. */
  #ended(how: string): FollowerLife | null {
    const life = this.#life;
    this.#life = null;
    if (life === null) return null;
    this.#copiesBefore += life.file.copies;
    this.#parts.trace.add(life.process.name, how);
    return life;
  }

  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const life = this.#life;
    if (life === null || request.room.id !== ROOM_ID) throw new RoomUnavailable('this follower does not follow the room');
    if (!isSightOf(request.sight, life.build.room.model.schemaId)) throw new RoomUnavailable('this follower is of another release');
    await life.link.reached(request.atLeast?.version ?? 0, REACH_MS);
    if (life !== this.#life) throw new AlcoveError('closed', 'the follower ends');
    if (life.file.open === null) throw new RoomUnavailable('the room has no file');
    return readFile(this.disk.path, request);
  }

  async digest(room: ReadRequest['room']): Promise<RoomDigest> {
    const life = this.#life;
    if (life === null || room.id !== ROOM_ID || life.file.open === null) throw new RoomUnavailable('this follower does not have the room');
    const tables = digestTables(life.build.room.model);
    return inFile(this.disk.path, (database) => digestDatabase(database, tables, life.process.runtime));
  }

  async resync(room: ReadRequest['room']): Promise<void> {
    if (this.#life === null || room.id !== ROOM_ID) throw new RoomUnavailable('this follower does not follow the room');
    this.resyncs += 1;
    await this.#life.link.resync();
  }

  lag(): ReplicaLag {
    return this.#life?.link.lag ?? { versions: 0, ms: 0 };
  }

  dispose(): void {
    this.#ended('is over')?.process.kill();
    this.disk.dispose();
  }
}
