import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Database } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import { ClientRoom } from '../../../packages/client/src/page/client-room.ts';
import type { RoomKeeping } from '../../../packages/client/src/page/kept-room-place.ts';
import type { EngineClient, FetchedImage } from '../../../packages/client/src/sync/engine-interface.ts';
import type { EngineLimits } from '../../../packages/client/src/sync/engine-limits.ts';
import type { Prng } from '../../fake/prng.ts';
import type { Bug } from '../bug.ts';
import type { SimBrowser } from '../browser/sim-browser.ts';
import { ROOM_ID } from '../room/addresses.ts';
import { accounts, entries, files, folders, pages } from '../room/playground.ts';
import type { Playground } from '../room/playground.ts';
import type { PlaygroundNext } from '../room/playground-next.ts';
import type { History } from '../oracle/history.ts';
import type { Build } from '../world/builds.ts';
import type { Frame } from '../network/link.ts';
import { SimProcess } from '../world/sim-process.ts';
import type { Busy, ProcessSurroundings } from '../world/sim-process.ts';
import type { EngineAudit } from './engine-audit.ts';
import { ALL_ENTRIES_SQL } from './engine-audit.ts';
import type { ThroughEngine } from './through-engine.ts';
import { ShownByTab } from './shown-by-tab.ts';
import { SimEngineHost } from './sim-engine-host.ts';

/** The tabs of one user in one browser, and what dead ones left undone. */
export interface Group {
  readonly groupId: string;
  readonly user: string;
  readonly orphans: Outbox[];
  /** Where its tabs keep their rooms; null: in memory alone. */
  readonly browser: SimBrowser | null;
}

export interface Outbox {
  readonly clients: readonly EngineClient[];
  readonly mutations: readonly Mutation[];
}

export interface TabParts extends ProcessSurroundings {
  readonly random: Prng;
  readonly limits: Partial<EngineLimits>;
  readonly takesImages: boolean;
  readonly bug: Bug | null;
  readonly build: Build;
  readonly history: History;
  /** Of its workers. */
  readonly busy: Busy;
  wallMs(): number;
  token(user: string): string;
  /** The view that a frame of the room names. */
  viewIn(frame: Frame): string | null;
  /** Its room was closed, and not by its user. */
  onRoomClosed(tab: Tab): void;
  openDatabase(image: Uint8Array | null): Database;
  connect(worker: SimProcess, handlers: SocketHandlers): Socket;
  fetchImage(worker: SimProcess, path: string): Promise<FetchedImage>;
  newAudit(name: string, tab: Tab): EngineAudit;
  throughEngine: ThroughEngine;
}

/** A tab: the page with the app's room in it, and its worker with the engine. */
export class Tab {
  readonly name: string;
  readonly group: Group;
  readonly page: SimProcess;
  /** Whose definition is `build`'s. */
  readonly room: ClientRoom<Playground>;
  readonly build: Build;
  /** How often this browser had forgotten the room when it was loaded. */
  readonly born: number;
  readonly host: SimEngineHost;
  readonly random: Prng;
  /** Lines of what its user called again: on the disk they stay until the new call is safe there, which it may never be. */
  readonly retried = new Set<string>();
  /** Its clocks are off by that much. */
  wallSkewMs = 0;
  state: 'live' | 'dead' | 'closed' = 'live';
  readonly shown: ShownByTab;
  /** Outboxes of dead siblings that it took over. */
  #adopted: Outbox = { clients: [], mutations: [] };
  /** What a worker that died had adopted and not finished is taken over by the next one. */
  #carried: EngineAudit | null = null;

  constructor(name: string, group: Group, parts: TabParts, adopted: Outbox | null) {
    this.name = name;
    this.group = group;
    this.random = parts.random;
    this.build = parts.build;
    this.shown = new ShownByTab(parts.history, parts.findings);
    if (adopted !== null) this.#adopted = adopted;
    const { browser } = group;
    this.born = browser?.forgets.removals.length ?? 0;
    const startMs = (): number => parts.wallMs() + this.wallSkewMs;
    this.page = new SimProcess(name, parts, startMs());
    this.host = this.#makeHost(parts, startMs);
    // The newer release has all that the older one has.
    this.room = new ClientRoom(parts.build.room as Playground, ROOM_ID, {
      runtime: this.page.runtime,
      url: 'ws://simulation/sync',
      // A page's own is a random one; those that begin a place together speak as one here.
      groupId: this.born === 0 ? group.groupId : `${group.groupId}.${this.born}`,
      limits: parts.limits,
      token: () => parts.token(group.user),
      openEngine: (request, handlers) => this.host.open(request, handlers),
      keeping: keepingOf(browser, this.page, parts.bug),
      onStarted: () => undefined,
      onClosed: () => this.#roomClosed(parts),
    });
  }

  #makeHost(parts: TabParts, startMs: () => number): SimEngineHost {
    const { name, page } = this;
    const { browser } = this.group;
    return new SimEngineHost({
      ...parts,
      name,
      page,
      startMs,
      fetchImage: parts.takesImages ? parts.fetchImage : null,
      newAudit: (worker) => this.#carry(parts.newAudit(worker, this)),
      adopted: () => this.#adopted,
      onHeard: (position) => {
        if (this.room.status.getSnapshot().version === position.version) this.shown.told(position);
      },
      onDismissed: (keys) => browser?.dismissals.tell(name, keys),
      storageOf: browser === null ? null : (worker) => browser.storageOf(worker),
    });
  }

  /** With the mutators of the newer release; null where it is not that. */
  get newerRoom(): ClientRoom<PlaygroundNext> | null {
    return this.build.isNewer ? (this.room as unknown as ClientRoom<PlaygroundNext>) : null; // made with that definition
  }

  /** By `forget`, here or in another tab. */
  #roomClosed({ onRoomClosed }: TabParts): void {
    if (this.state !== 'live') return;
    this.state = 'closed';
    onRoomClosed(this);
  }

  get live(): boolean {
    return this.state === 'live';
  }

  get audit(): EngineAudit | null {
    return this.host.running?.audit ?? null;
  }

  /** Opens the room and subscribes to what an app would show. */
  start(): void {
    this.page.enter(() => {
      const { room } = this;
      room.start();
      const queries = [
        room.query(sql.raw(ALL_ENTRIES_SQL)),
        room.query((db) => db.select({ total: sql<number>`sum(${accounts.balance})` }).from(accounts)),
        room.query((db) => db.select().from(accounts).orderBy(accounts.id)),
        room.query(
          sql`select f.id, f.label, count(x.id) n from ${folders} f left join ${files} x on x."folderId" = f.id group by f.id order by f.id`,
        ),
        room.query(sql`select p."fileId", p.number, p.weight from ${pages} p join ${files} x on x.id = p."fileId" order by 1, 2`),
        room.query(sql`select * from names order by name`),
        room.query((db) =>
          db
            .select()
            .from(entries)
            .where(sql`${entries.list} = ${this.random.pick(['l1', 'l2', 'l3'])}`)
            .orderBy(entries.position),
        ),
        room.query(sql`select name, n from tallies where n >= ${this.random.int(0, 6)} order by n desc, name limit 3`),
      ];
      for (const query of queries) query.subscribe(() => undefined);
      for (const [name, key] of VALUES) room.value(name, key).subscribe(() => undefined);
    });
  }

  /** Closed by its user: it says good-bye. */
  close(): void {
    this.state = 'closed';
    this.page.enter(() => this.room.close());
  }

  /** Gone without a word. What its outbox held waits for a sibling. */
  die(): void {
    this.state = 'dead';
    const left = this.audit?.outbox();
    // Where there is a disk, whoever comes next finds it there.
    if (this.group.browser === null && left !== undefined && left.mutations.length > 0) this.group.orphans.push(left);
    this.page.kill();
    this.host.running?.die(false);
  }

  killWorker(): void {
    this.host.running?.die(true);
  }

  #carry(audit: EngineAudit): EngineAudit {
    this.#keepAdopted();
    this.#carried = audit;
    return audit;
  }

  /** What of the adopted outboxes is not settled yet, as their common storage has it. */
  #keepAdopted(): void {
    const before = this.#carried;
    if (before === null || this.group.browser !== null) return;
    // The page may not have heard that its own goes by another name.
    const own = mintedAs(this.room.clientId);
    const isOthers = ({ clientId }: { readonly clientId: string }): boolean => mintedAs(clientId) !== own;
    const { clients, mutations } = before.outbox();
    this.#adopted = { clients: clients.filter(isOthers), mutations: mutations.filter(isOthers) };
  }
}

const mintedAs = (clientId: string): string => clientId.replace(/~.*$/, '');

function keepingOf(browser: SimBrowser | null, page: SimProcess, bug: Bug | null): RoomKeeping | null {
  if (browser === null) return null;
  const locks = browser.locks.of(page);
  const device = browser.deviceOf(page);
  return { place: browser.place, locks: bug?.pageLocks?.(locks) ?? locks, device: bug?.device?.(device) ?? device };
}

/** The debounced values that tabs watch and set. */
export const VALUES = [
  ['slider', 'left'],
  ['slider', 'right'],
  ['note', ''],
  ['likes', ''],
] as const;
