import { EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import { encodeRecord } from '@alcove/core/change/record-codec';
import { assert } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { decodeAcks } from '../../../packages/server/src/change-log/ack.ts';
import type { Ack } from '../../../packages/server/src/change-log/ack.ts';
import type { Findings } from '../world/findings.ts';
import type { RunFacts, Runs } from './runs.ts';

/** One version as the room's log had it when it was committed. */
export interface Version {
  readonly version: number;
  readonly atMs: number;
  readonly hash: string;
  readonly acks: readonly Ack[];
  readonly record: string;
  /** How the room ran what it settled, for each of `acks`; undefined: its mutator was not run. */
  readonly runs: readonly (RunFacts | undefined)[];
}

/** What else is known of a version, and wants to know of it. */
export interface HistorySources {
  readonly runs: Runs;
  learn(version: Version): void;
}

/** Where somebody stands: the hash tells lines of one history apart that went on from an older version of it. */
export interface Position {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
}

/** How a mutation was settled, once and for all. */
export interface Fate {
  readonly version: number;
  /** Place among all mutations of the history. */
  readonly place: number;
  readonly rejected: { readonly code: string; readonly message: string } | null;
}

/**
 * The room's history as an outsider wrote it down: each version right after its COMMIT, long before the log forgets it. What a crash takes back is crossed out;
 * what was durable may never be.
 */
export class History {
  readonly #findings: Findings;
  readonly #sources: HistorySources;
  #versions: Version[] = [];
  #fates = new Map<string, Fate>();
  #lastOfClient = new Map<string, number>();
  #id = '';
  /** What the room had before a tail was lost, the oldest first: another history each, or another line of this one. */
  readonly #ended: History[] = [];
  /** Rises with every tail that is lost. */
  #line = 0;
  /** Clients of which the room cannot know that it knew them. */
  readonly #unknowable: Set<string>;
  #durable = 0;
  #told = 0;
  #durablePlace = 0;
  #place = 0;

  constructor(findings: Findings, sources: HistorySources, unknowable: Set<string> = new Set()) {
    this.#findings = findings;
    this.#sources = sources;
    this.#unknowable = unknowable;
  }

  /**
   * The room has forgotten the client, and nobody is left who knows that it was ever welcomed: its tab went with a disk that did not take that any more. What it had
   * pending is taken for new, and may be done once more.
   */
  unknowable(clientId: string): void {
    if (this.#lastOfClient.has(clientId)) this.#unknowable.add(clientId);
  }

  isUnknowable(clientId: string): boolean {
    return this.#unknowable.has(clientId.replace(/~.*$/, ''));
  }

  /** historyId of the room now. */
  get id(): string {
    return this.#id;
  }

  /** Tells apart what the room goes on from, under one historyId or several: another number after every tail that was lost. */
  get line(): number {
    return this.#line;
  }

  /** How often a tail was lost of which somebody had been told. */
  get tailsLost(): number {
    return this.#ended.filter((ended) => !this.holds(ended.#toldLast)).length;
  }

  /** The history of that id, the present one or, of those that ended, the last; undefined: there never was one. */
  of(historyId: string | null): History | undefined {
    return historyId === this.#id ? this : this.#ended.findLast((ended) => ended.#id === historyId);
  }

  /** Whether it goes through there. */
  holds({ historyId, version, hash }: Position): boolean {
    return historyId === this.#id && (version === 0 || this.#versions[version - 1]?.hash === hash);
  }

  /** What goes through there, the present first, of those that ended the last; undefined: nothing ever did. */
  lineThrough(position: Position): History | undefined {
    return this.holds(position) ? this : this.#ended.findLast((ended) => ended.holds(position));
  }

  /** All that the room was on since the line of that number, and on it. */
  linesSince(line: number): History[] {
    return [...this.#ended, this].filter((one) => one.#line >= line);
  }

  /** The last version that both have; 0 where they are of two histories. */
  commonWith(other: History): number {
    if (other.#id !== this.#id) return 0;
    const apart = this.#versions.findIndex(({ hash }, index) => other.#versions[index]?.hash !== hash);
    return apart === -1 ? this.head : apart;
  }

  get #toldLast(): Position {
    return { historyId: this.#id, version: this.#told, hash: this.#versions[this.#told - 1]?.hash ?? '' };
  }

  /** Whether an ended history had settled it. */
  wasLost(clientId: string, mutationId: number): boolean {
    return this.#ended.some((ended) => ended.fateOf(clientId, mutationId) !== undefined);
  }

  /** Newest version committed; perhaps not durable. */
  get head(): number {
    return this.#versions.length;
  }

  /** Newest version that the room was told to be durable: it may have spoken of it. */
  get toldUpTo(): number {
    return this.#told;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Versions are 1, 2, 3 … */
  at(version: number): Version {
    const found = this.#versions[version - 1];
    assert(found !== undefined, `version ${version} is in the history`);
    return found;
  }

  /** Place of the last mutation that is durable; 0: none is. */
  get durablePlace(): number {
    return this.#durablePlace;
  }

  fateOf(clientId: string, mutationId: number): Fate | undefined {
    return this.#fates.get(`${clientId} ${mutationId}`);
  }

  /** Reads what the log has got since; called after every flush. */
  harvest(database: Database): void {
    const rows = database
      .prepare('SELECT version, at_ms, hash, acks, record FROM alcove_log WHERE version > ? ORDER BY version')
      .all([this.head]);
    for (const [version, atMs, hash, acks, record] of rows) {
      const next = this.#versionOf({
        version: Number(version),
        atMs: Number(atMs),
        hash: String(hash),
        acks: decodeAcks(String(acks)),
        record: String(record),
      });
      this.#findings.check(next.version === this.head + 1, 'I11', () => `version ${next.version} follows ${this.head}`);
      this.#versions.push(next);
      this.#sources.learn(next);
      for (const ack of next.acks) this.#settle(next.version, ack);
    }
  }

  #versionOf(logged: Omit<Version, 'runs'>): Version {
    return { ...logged, runs: logged.acks.map(({ clientId, mutationId }) => this.#sources.runs.of(clientId, mutationId)) };
  }

  /** The room was told that versions up to here are durable: it tells of them from now on. */
  told(version: number): void {
    this.#told = Math.max(this.#told, version);
  }

  /** Versions up to here can be told: they must outlive every crash from now on. */
  secured(version: number): void {
    this.#durable = Math.max(this.#durable, version);
    if (version === this.head) this.#durablePlace = this.#place;
  }

  /**
   * The room was opened again from what a crash left; its head must lie between what was durable and what was committed. `goesOnFrom`: with that version its file ended, for the disk had gone back
   * further than that, and the room goes on under another history.
   */
  reopened(database: Database, goesOnFrom: number | null): void {
    const tailLost = goesOnFrom !== null;
    const id = String(database.prepare("SELECT value FROM alcove_meta WHERE name = 'historyId'").get()?.[0]);
    if (this.#id === '') this.#id = id;
    if (id !== this.#id) return this.#goOn(database, id, goesOnFrom);
    const rows = database.prepare('SELECT version, hash FROM alcove_log ORDER BY version').all();
    const floor = Number(database.prepare("SELECT value FROM alcove_meta WHERE name = 'floor'").get()?.[0] ?? 0);
    const head = Number(rows.at(-1)?.[0] ?? floor);
    // A disk that goes back loses unnoticed what nobody was told of.
    const least = tailLost ? this.#told : this.#durable;
    this.#findings.check(head >= least, 'I1', () => `the room came back at version ${head}, though version ${least} was durable`);
    this.#durable = Math.min(this.#durable, head);
    for (const [version, hash] of rows) {
      const known = this.#versions[Number(version) - 1];
      if (known !== undefined && known.hash !== hash) {
        this.#findings.report('I11', `version ${Number(version)} came back with another hash than it was committed with`);
        return;
      }
    }
    this.#crossOut(this.#isAnotherFloor(database, floor) ? floor - 1 : head);
    this.harvest(database);
    this.#reachFloor(database);
  }

  /** A tail that nobody was told of was lost, and a change of the room's schema took the place of its first version. */
  #isAnotherFloor(database: Database, floor: number): boolean {
    const known = this.#versions[floor - 1];
    const hash = database.prepare("SELECT value FROM alcove_meta WHERE name = 'floorHash'").get()?.[0];
    if (known === undefined || known.hash === hash) return false;
    this.#findings.check(floor > this.#durable, 'I11', () => `version ${floor}, which was durable, came back as another one`);
    return true;
  }

  /** A change of the room's schema is a version without an entry: the floor. */
  #reachFloor(database: Database): void {
    const meta = (name: string): unknown => database.prepare('SELECT value FROM alcove_meta WHERE name = ?').get([name])?.[0];
    const floor = Number(meta('floor') ?? 0);
    if (floor <= this.head) return;
    this.#findings.check(floor === this.head + 1, 'I11', () => `the floor is ${floor}, and the last version that was seen is ${this.head}`);
    this.#versions.push({
      version: floor,
      atMs: 0,
      hash: String(meta('floorHash')),
      acks: [],
      record: encodeRecord(EMPTY_CHANGE_SET),
      runs: [],
    });
  }

  /** As it is now, for good. */
  copy(): History {
    const copy = new History(this.#findings, this.#sources, this.#unknowable);
    copy.#id = this.#id;
    copy.#line = this.#line;
    copy.#versions = [...this.#versions];
    copy.#fates = new Map(this.#fates);
    copy.#lastOfClient = new Map(this.#lastOfClient);
    copy.#durable = this.#durable;
    copy.#told = this.#told;
    return copy;
  }

  /** All that the room has on its disk is put back as it was then: it goes on from there, under the historyId of that time, and what came after is another line. */
  goBackTo(before: History): void {
    const was = this.copy();
    this.#ended.push(was);
    this.#line += 1;
    this.#id = before.#id;
    this.#versions = [...before.#versions];
    this.#fates = new Map(before.#fates);
    const strangers = [...this.#lastOfClient.keys()].map((clientId): [string, number] => [clientId, 0]);
    this.#lastOfClient = new Map([...strangers, ...before.#lastOfClient]);
    // What was copied is on the disk, and of what both have it may have been told since.
    this.#durable = before.head;
    this.#told = Math.max(before.#told, Math.min(was.#told, before.commonWith(was)));
  }

  /** What was is kept apart; what the file still has is the beginning of the new history. */
  #goOn(database: Database, id: string, goesOnFrom: number | null): void {
    this.#findings.check(
      goesOnFrom !== null,
      'I12',
      () => `the room came back with history ${id}, it had ${this.#id}, and nothing was lost`,
    );
    this.#ended.push(this.copy());
    this.#line += 1;
    const meta = (name: string): unknown => database.prepare('SELECT value FROM alcove_meta WHERE name = ?').get([name])?.[0];
    this.#id = id;
    // Opened with another definition it has a version more than its file had.
    this.#crossOut(goesOnFrom ?? Number(meta('floor')));
    // Its first version has another hash than the same one had.
    const last = this.head === Number(meta('floor')) ? this.#versions.pop() : undefined;
    if (last !== undefined) this.#versions.push({ ...last, hash: String(meta('floorHash')) });
    this.#reachFloor(database);
    this.#durable = this.head;
    this.#told = this.head;
  }

  #crossOut(head: number): void {
    for (const { acks } of this.#versions.splice(head)) {
      for (const { clientId, mutationId } of acks) {
        this.#fates.delete(`${clientId} ${mutationId}`);
        this.#lastOfClient.set(clientId, Math.min(this.#lastOfClient.get(clientId) ?? 0, mutationId - 1));
      }
    }
  }

  #settle(version: number, { clientId, mutationId, rejected }: Ack): void {
    const name = `${clientId} ${mutationId}`;
    const before = this.#fates.get(name);
    this.#findings.check(
      before === undefined || this.isUnknowable(clientId),
      'I2',
      () => `mutation ${name} was settled by version ${before?.version} and again by ${version}`,
    );
    const last = this.#lastOfClient.get(clientId) ?? 0;
    this.#findings.check(
      mutationId === last + 1 || this.isUnknowable(clientId),
      'I3',
      () => `mutation ${mutationId} of ${clientId} was settled after mutation ${last}`,
    );
    this.#lastOfClient.set(clientId, mutationId);
    this.#place += 1;
    this.#fates.set(name, { version, place: this.#place, rejected });
  }
}
