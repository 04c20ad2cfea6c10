import { AlcoveError, assert } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { openRoom } from '../../../packages/server/src/room/open-room.ts';
import type { HostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import type { RoomLimits } from '../../../packages/server/src/room/room-options.ts';
import type { RoomPorts } from '../../../packages/server/src/room/room-ports.ts';
import type { Room } from '../../../packages/server/src/room/room.ts';
import type { Prng } from '../../fake/prng.ts';
import type { Bug } from '../bug.ts';
import type { StreamAudit } from '../check/stream-audit.ts';
import type { Frame, Link, ServerHandlers } from '../network/link.ts';
import type { Listener } from '../network/network.ts';
import type { History } from '../oracle/history.ts';
import { SimProcess } from '../world/sim-process.ts';
import type { ProcessSurroundings } from '../world/sim-process.ts';
import { type CommitFate, FailingDatabase } from './failing-database.ts';
import type { ImageDesk } from './image-desk.ts';
import { FrontDesk } from './front-desk.ts';
import { ROOM_ID } from './addresses.ts';
import { seedPlayground } from './playground.ts';
import type { Build, Builds } from '../world/builds.ts';
import type { Grants } from '../world/grants.ts';
import type { Runs } from '../oracle/runs.ts';
import { gatekeeperOf } from './rights.ts';
import { rulesOf } from './row-rules-of.ts';
import type { LostTail, RoomDisk } from './room-disk.ts';
import { type HostedReads, Life } from './server-life.ts';

export interface HostOptions {
  readonly limits: Partial<RoomLimits>;
  /** `atOnce`: COMMIT returns when it is on disk, as on Node. `later`: the disk has it some time after. */
  readonly durability: 'atOnce' | 'later';
  /** Longest wait of a requested flush, and of each of the two steps from COMMIT to `durable`. */
  readonly flushDelayMaxMs: number;
  readonly diskDelayMaxMs: number;
  readonly images: boolean;
  readonly reads: boolean;
  /** It has a port to slow connections down. */
  readonly holds: boolean;
  /** Of the host around the room. */
  readonly hostLimits: HostLimits;
}

const HOLD_MS_MAX = 10_000;

export interface HostSurroundings extends ProcessSurroundings {
  readonly random: Prng;
  readonly disk: RoomDisk;
  readonly history: History;
  readonly audit: StreamAudit;
  readonly images: ImageDesk;
  readonly bug: Bug | null;
  readonly builds: Builds;
  readonly grants: Grants;
  readonly runs: Runs;
  /** Wall time of the world now; a process's own may be off. */
  wallMs(): number;
  /** A server has opened its room. Null: it answers no reads. */
  opened(life: Life): HostedReads | null;
}

/** The server of the simulated world: drives the real room on the real disk, as the Node host does, and dies when it is told to. */
export class RoomHost implements Listener {
  /** Inflicted on the next COMMIT. */
  nextCommitFate: CommitFate = 'fine';
  /** Starts so far. */
  starts = 0;
  readonly #options: HostOptions;
  readonly #around: HostSurroundings;
  readonly #desk: FrontDesk;
  #life: Life | null = null;
  #wallSkewMs = 0;
  /** The disk went back behind what was durable, and whoever runs the server said to go on. */
  #tailLost = false;
  /** As it was when its folder was copied. */
  #folderCopied: History | null = null;

  constructor(options: HostOptions, around: HostSurroundings) {
    this.#options = options;
    this.#around = around;
    const gatekeeper = gatekeeperOf(around.grants);
    this.#desk = new FrontDesk(around.audit, around.bug?.gatekeeper?.(gatekeeper) ?? gatekeeper, options);
  }

  get process(): SimProcess | null {
    return this.#life === null || this.#life.over ? null : this.#life.process;
  }

  get room(): Room | null {
    return this.process === null ? null : (this.#life?.room ?? null);
  }

  /** Of the server that runs, or ran last. */
  get build(): Build {
    return this.#life?.build ?? this.#around.builds.ofRoom;
  }

  /** Of the server that runs. */
  get life(): Life | null {
    return this.process === null ? null : this.#life;
  }

  get database(): Database | null {
    return this.process === null ? null : (this.#life?.database ?? null);
  }

  start(): void {
    if (this.process !== null) return;
    this.starts += 1;
    const { disk, history, bug, builds } = this.#around;
    const process = new SimProcess(`server${this.starts}`, this.#around, this.#around.wallMs() + this.#wallSkewMs);
    process.expectedErrors.push(/inflicted/, /room_full/, /a lost tail was accepted/);
    const native = disk.open();
    if (this.starts > 1) bug?.atRestart?.(native, this.#around.random);
    const failing = new FailingDatabase(native, () => this.#takeFate());
    const database = bug?.roomDatabase?.(failing, this.#around.random) ?? failing;
    const life = new Life(process, database, builds.ofRoom);
    const goesOnFrom = this.#tailLost ? endOf(native) : null;
    process.enter(() => {
      const options = { limits: this.#options.limits, seed: seedPlayground, acceptLostTail: this.#tailLost };
      try {
        life.opened = openRoom({
          room: this.#around.runs.watched(life.build.room, life.build.ruleSet),
          ...rulesOf(life.build),
          id: ROOM_ID,
          database,
          runtime: process.runtime,
          ports: this.#ports(life),
          options,
        });
      } catch (error) {
        if (!AlcoveError.from(error).message.includes('inflicted')) throw error;
        this.#around.trace.add(process.name, 'cannot open its room: the disk failed');
      }
    });
    if (life.opened === null) {
      process.kill();
      return disk.crash('kept');
    }
    this.#life = life;
    life.reads = this.#around.opened(life);
    disk.secure();
    disk.secureHead();
    history.reopened(native, goesOnFrom);
    this.#tailLost = false;
    history.secured(history.head);
    this.#around.trace.add(process.name, `opened at version ${history.head}`);
  }

  /** The process dies at once. */
  crash(tail: LostTail, links: { readonly clientsHearAfterMs: () => number | null; readonly keepDown: () => boolean }): void {
    const life = this.#life;
    if (life === null || life.over) return;
    this.#around.trace.add(life.process.name, `crashes, tail ${tail}`);
    life.over = true;
    life.process.kill();
    for (const { link } of life.guests.values()) link?.abandonServer(links.clientsHearAfterMs(), links.keepDown());
    this.#around.disk.crash(this.#options.durability === 'atOnce' && this.#around.bug?.tellsEarly !== true ? 'kept' : tail);
    this.#around.audit.serverGone();
  }

  /** It dies, and its disk comes back as it was some time ago: a backup was put in its place. Answers whether there was one. */
  loseTail(links: Parameters<RoomHost['crash']>[1]): boolean {
    const life = this.#life;
    if (life === null || life.over || !this.#around.disk.hasBackup) return false;
    this.crash('kept', links);
    this.#around.disk.goBack();
    this.#tailLost = true;
    return true;
  }

  /** Its folder is copied away as it runs. */
  copyFolder(): void {
    const life = this.#life;
    if (life === null || life.over) return;
    this.#around.history.harvest(life.database);
    this.#around.disk.copyFolder();
    this.#folderCopied = this.#around.history.copy();
  }

  /** It dies, and its whole folder comes back as it was copied: the room cannot know, and goes on from there. Answers whether there was a copy. */
  putFolderBack(links: Parameters<RoomHost['crash']>[1]): boolean {
    const life = this.#life;
    const copied = this.#folderCopied;
    if (life === null || life.over || copied === null) return false;
    this.crash('kept', links);
    const { disk, history, images, trace } = this.#around;
    disk.putFolderBack();
    history.goBackTo(copied);
    // Of a process that is gone nobody has any.
    images.clear();
    trace.add('world', `the folder is put back as it was at version ${copied.head} of ${copied.id}`);
    return true;
  }

  /** It dies with the next frames it sends: `after` of them still leave. */
  crashWhileSending(after: number): void {
    if (this.#life !== null) this.#life.sendsLeft ??= after;
  }

  get diedSending(): boolean {
    return this.#life !== null && !this.#life.over && this.#life.sendsLeft === 0;
  }

  /** Ends in good order: everything is written, sessions are told, the file is closed. Answers whether there was anything to end. */
  drain(): void {
    const life = this.#life;
    if (life === null || life.over) return;
    this.#around.trace.add(life.process.name, 'drains');
    life.call(() => life.room.drain());
    this.#committed(life);
  }

  /** After `drain`, once nothing is left: the process ends. False: not yet. */
  endDrained(): boolean {
    const life = this.#life;
    if (life === null || life.over) return true;
    const { sessions, unwrittenValues, durable, version } = life.room.stats;
    if (sessions > 0 || unwrittenValues > 0 || durable < version) return false;
    life.process.enter(() => {
      life.reads?.close();
      life.room.close();
    });
    life.over = true;
    life.process.kill();
    this.#around.disk.close();
    this.#around.audit.serverGone();
    this.#around.trace.add(life.process.name, 'ended');
    return true;
  }

  /** The server's own clock on the wall is set. */
  jumpWallTime(byMs: number): void {
    this.#wallSkewMs += byMs;
    this.#life?.process.fake.jumpWallTime(byMs);
  }

  accept(link: Link): ServerHandlers {
    const life = this.#life;
    assert(life !== null && !life.over, 'a link is accepted by a living server');
    return this.#desk.accept(life, link);
  }

  #ports(life: Life): RoomPorts {
    const { audit, disk, images, bug, random } = this.#around;
    const send: RoomPorts['send'] = (connectionId, frame) => this.#send(life, connectionId, frame);
    const ports: RoomPorts = {
      send: (connectionId, frame, lane) => {
        const sent = bug?.send?.({ connectionId, frame, random, runtime: life.process.runtime }, (changed) =>
          send(connectionId, changed, lane),
        );
        if (sent === undefined) send(connectionId, frame, lane);
      },
      bufferedBytes: (connectionId) => life.guests.get(connectionId)?.connection.bufferedBytes ?? 0,
      disconnect: (connectionId, error) => {
        const guest = life.guests.get(connectionId);
        life.guests.delete(connectionId);
        audit.closed(connectionId);
        guest?.connection.close(error);
      },
      requestFlush: () => this.#requestFlush(life),
      requestTick: (atMs) => this.#requestTick(life, atMs),
      offerImage: (request) => (this.#options.images ? images.offer(request) : null),
      headStored: () => disk.head,
      storeHead: (head) => {
        // Not where the process has just died in the middle of sending.
        if (life.sendsLeft !== 0) disk.storeHead(head);
      },
      renewAccess: (connectionId, token) => this.#desk.renewAccess(life, connectionId, token),
      admitted: (connectionId, user, expiresInMs) => life.guests.get(connectionId)?.connection.admitted?.(user, expiresInMs),
      ...this.#readPorts(life),
      ...this.#holdPort(life),
      failed: (error) => this.#failed(life, error),
    };
    return ports;
  }

  /** Where nobody answers reads, the host has no such port. */
  #readPorts(life: Life): Pick<RoomPorts, 'read' | 'readEnd'> {
    if (!this.#options.reads) return {};
    return {
      read: (connectionId, request, asked) => life.reads?.begin(connectionId, request, asked),
      readEnd: (connectionId, request) => life.reads?.end(connectionId, request),
    };
  }

  /** Who says more than the room takes is not read for a while; where no followers carry tabs, it is only refused. */
  #holdPort(life: Life): Pick<RoomPorts, 'hold'> {
    if (!this.#options.holds) return {};
    return { hold: (connectionId, ms) => life.guests.get(connectionId)?.connection.slowDown(Math.min(ms, HOLD_MS_MAX)) };
  }

  #send(life: Life, connectionId: string, frame: Frame): void {
    if (life.over || life.sendsLeft === 0) return;
    if (life.sendsLeft !== null) life.sendsLeft -= 1;
    const guest = life.guests.get(connectionId);
    if (guest === undefined) return;
    this.#around.audit.sent(connectionId, frame);
    guest.connection.send(frame);
  }

  #requestFlush(life: Life): void {
    if (life.over || life.flushRequested) return;
    life.flushRequested = true;
    life.process.runtime.setTimer(this.#around.random.float() * this.#options.flushDelayMaxMs, () => {
      life.flushRequested = false;
      if (life.over) return;
      life.call(() => life.room.flush());
      this.#committed(life);
    });
  }

  #requestTick(life: Life, atMs: number): void {
    if (life.over || (life.tick !== null && life.tick.atMs <= atMs)) return;
    life.tick?.timer.cancel();
    const { runtime } = life.process;
    const timer = runtime.setTimer(Math.max(0, atMs - runtime.monotonicMs()), () => {
      life.tick = null;
      if (!life.over) life.call(() => life.room.tick());
    });
    life.tick = { atMs, timer };
  }

  /** Something may have been committed. Tells the room when it is durable. */
  #committed(life: Life): void {
    if (life.over) return;
    const { history, bug } = this.#around;
    history.harvest(life.database);
    if (bug?.tellsEarly === true) return this.#tellEarly(life);
    if (this.#options.durability === 'later') return this.#secureLater(life);
    // COMMIT has returned, so the disk has it: a crash keeps it.
    history.secured(history.head);
    this.#tell(life, history.head);
  }

  #secureLater(life: Life): void {
    const { history, disk, random } = this.#around;
    if (life.securing || life.room.stats.durable >= history.head) return;
    life.securing = true;
    const wait = (fn: () => void): unknown =>
      life.process.runtime.setTimer(random.float() * this.#options.diskDelayMaxMs, () => !life.over && fn());
    wait(() => {
      disk.secure();
      const version = history.head;
      history.secured(version);
      wait(() => {
        life.securing = false;
        this.#tell(life, version);
        this.#secureLater(life);
      });
    });
  }

  /** The deliberate bug: what is told is on disk only later. The history believes what was told. */
  #tellEarly(life: Life): void {
    const { history, disk, random } = this.#around;
    history.secured(history.head);
    this.#tell(life, history.head);
    life.process.runtime.setTimer(random.int(100, 1_500), () => !life.over && disk.secure());
  }

  #tell(life: Life, version: number): void {
    this.#around.history.told(version);
    life.call(() => life.room.durable(version));
  }

  #takeFate(): CommitFate {
    const fate = this.nextCommitFate;
    this.nextCommitFate = 'fine';
    return fate;
  }

  /** The room cannot go on: its file is closed, and opened again some time later by `start`. */
  #failed(life: Life, error: AlcoveError): void {
    if (life.over) return;
    this.#around.trace.add(life.process.name, `the room failed: ${error.code} ${error.message}`);
    this.#around.time.setTimer(0, () => {
      if (life.over) return;
      life.over = true;
      life.process.kill();
      for (const { link } of life.guests.values()) link?.closeFromServer(error);
      this.#around.disk.crash('kept');
      this.#around.audit.serverGone();
    });
  }
}

/** The version that a room's file ends with. */
function endOf(database: Database): number {
  const newest = database.prepare('SELECT max(version) FROM alcove_log').get()?.[0] ?? 0;
  return Math.max(Number(newest), Number(database.prepare("SELECT value FROM alcove_meta WHERE name = 'floor'").get()?.[0] ?? 0));
}
