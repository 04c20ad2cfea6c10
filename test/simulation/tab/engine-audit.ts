import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Row } from '@alcove/core/sqlite/database';
import type {
  EngineClient,
  EngineNotice,
  EngineStatus,
  QueryNotice,
  RekeyedNotice,
  SettledNotice,
  SyncEngine,
  ValueNotice,
} from '../../../packages/client/src/sync/engine-interface.ts';
import type { StoredNotice } from '../../../packages/client/src/sync/engine-storage.ts';
import { difference, dump } from '../oracle/dump.ts';
import type { History, Position } from '../oracle/history.ts';
import { elementOf, type Registry } from '../oracle/registry.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import type { Sight } from '../room/rule-sets.ts';
import { Shadow } from '../oracle/shadow.ts';
import type { ShadowSources } from '../oracle/shadow.ts';
import type { Findings } from '../world/findings.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { OLDER } from '../world/builds.ts';
import type { Build } from '../world/builds.ts';
import { EngineDatabases } from './engine-databases.ts';
import { QueryAudit } from './query-audit.ts';

export interface EngineAuditParts extends ShadowSources {
  readonly name: string;
  readonly user: string;
  readonly history: History;
  readonly registry: Registry;
  readonly findings: Findings;
  readonly sights: SightWatch;
  nowMs(): number;
  /** The room does not know one of its clients any more. */
  onStopped(): void;
  /** Tells whose a client is. */
  onClient(clientId: string): void;
  onStored(mutation: Mutation): void;
  /** It took over what another page left. */
  onAdopted(client: EngineClient, mutations: readonly Mutation[]): void;
  /** Nothing more comes of these: whoever called them is told so. */
  onDropped(mutations: readonly Mutation[]): void;
  /** A state was shown. */
  shown(position: Position): void;
  /** It shows what its siblings have pending, too. */
  readonly hasSiblings: boolean;
  /** Of its page. */
  readonly build: Build;
  /** Page's name: its elements begin with it. */
  readonly tab: string;
}

/** The list of everything that was ever appended: from it nothing may vanish that was not rejected. */
export const ALL_ENTRIES_SQL = 'SELECT value, list, position FROM entries ORDER BY list, position';
/** Time without anything happening to an engine after which its live queries must be true. */
const QUIET_MS = 25;

/**
 * Watches one engine from outside: what it was handed, what it told, what its database holds. Whatever the engine shows must be the room's state at the version it names, with
 * exactly its pending mutations on top.
 */
export class EngineAudit {
  readonly #parts: EngineAuditParts;
  /** In the order they were enqueued. */
  pending: Mutation[] = [];
  /** Of the running session, in which clients may come into being. */
  #welcomeVersion: number | null = null;
  readonly clients = new Map<string, { lastMutationId: number; confirmed: number; welcomed: number | null }>();
  readonly queries: QueryAudit;
  readonly databases: EngineDatabases;
  readonly #rejected = new Set<string>();
  /** Of counters, what was told to be written last. */
  readonly #written = new Map<string, number>();
  #seen = new Set<string>();
  readonly #aliases = new Map<string, { readonly to: string; readonly offset: number }>();
  #shadow: Shadow | null = null;
  /** Of what the engine shows. */
  #position: Position | null = null;
  #history: History | null = null;
  #line = 0;
  /** As it was seen to show last. */
  #version = -1;
  #busyMs = 0;
  #engine: SyncEngine | null = null;
  #worker: SimProcess | null = null;
  /** Inspections that compared a whole replica. */
  inspected = 0;

  constructor(parts: EngineAuditParts) {
    this.#parts = parts;
    this.queries = new QueryAudit(parts);
    this.databases = new EngineDatabases(parts);
  }

  attach(engine: SyncEngine, worker: SimProcess): void {
    this.#engine = engine;
    this.#worker = worker;
  }

  /** Something came to the engine. */
  touched(): void {
    this.#busyMs = this.#parts.nowMs();
  }

  /** The engine took the mutation. */
  took(called: Mutation, answer: 'ran' | 'deferred' | 'known'): void {
    if (answer === 'known') return;
    const mutation = this.#renamed(called);
    this.pending.push(mutation);
    this.#client(mutation.clientId).lastMutationId = mutation.mutationId;
    this.#register(mutation);
  }

  adopted(clients: readonly EngineClient[], mutations: readonly Mutation[]): void {
    for (const { clientId, lastMutationId, confirmed, welcomed } of clients) {
      if (!this.clients.has(clientId)) this.clients.set(clientId, { lastMutationId, confirmed, welcomed });
    }
    for (const mutation of mutations) this.took(mutation, 'ran');
  }

  discarded(clientId: string): void {
    for (const mutation of this.pending) if (mutation.clientId === clientId) this.#rejected.add(elementOf(mutation));
    this.pending = this.pending.filter((mutation) => mutation.clientId !== clientId);
  }

  /** A batch as the engine tells it: at this moment everything in it must be true. */
  told(notices: readonly EngineNotice[]): void {
    this.touched();
    for (const notice of notices)
      if (notice.type === 'adopted') {
        this.#parts.onAdopted(notice, notice.mutations);
        this.adopted([notice], notice.mutations);
      }
    for (const notice of notices) if (notice.type === 'settled') this.#settled(notice);
    for (const notice of notices) {
      if (notice.type === 'clientStopped') {
        this.#parts.onStopped();
        this.#parts.onDropped(notice.mutations);
      } else if (notice.type === 'stored') this.#stored(notice);
      else if (notice.type === 'query') this.#query(notice);
      else if (notice.type === 'value') this.#counted(notice);
      else if (notice.type === 'rekeyed') this.#rekeyed(notice);
      else if (notice.type === 'status') {
        this.#welcomeVersion = notice.status.welcomeVersion;
        if (this.#welcomeVersion !== null)
          for (const client of this.clients.values())
            client.welcomed = Math.min(client.welcomed ?? this.#welcomeVersion, this.#welcomeVersion);
      }
    }
  }

  /** The room counts a client anew that it forgot: what it had written and nobody heard of may be added once more. */
  #counted({ name, key, counter }: ValueNotice): void {
    if (counter === null || counter === undefined) return;
    const id = JSON.stringify([name, key, counter.clientId]);
    if (counter.written < (this.#written.get(id) ?? 0)) this.#parts.onStopped();
    this.#written.set(id, counter.written);
  }

  /** At any moment between two events: compares the replica with the oracle, and where nothing is under way the live queries with SQL. */
  inspect(): void {
    const engine = this.#engine;
    if (engine === null) return;
    const { findings, name } = this.#parts;
    const { version, historyId, user, replica } = engine.status();
    const history = this.#historyNow({ historyId, version });
    if (version === null || history === null || this.#position === null) return;
    this.#version = version;
    this.#parts.shown(this.#position);
    findings.check(version <= history.durable, 'I13', () => `${name} shows version ${version}, and only ${history.durable} is durable`);
    const database = this.databases.only;
    if (database === null || version > history.head || findings.any) return;
    this.#shadow ??= new Shadow({ ...this.#parts, history });
    this.#shadow.goTo(version);
    // With a commit whose queries take several turns a mutation settles in the first of them, and is told to in the last.
    const own = this.pending.filter((mutation) => !this.#isDecided(history, mutation, version));
    const shown = engine.shownMutations();
    this.#ownAreShown(own, shown);
    const { room, isNewer } = this.#parts.build;
    // What an older page kept while the room was newer is shown until the room sends what it left out.
    const { model } = isNewer && replica !== 'current' ? OLDER.room : room;
    const wanted = this.#shadow.dumpWithPending(shown, { user, room: { ...room, model }, sight: this.databases.sightOf(database) });
    const differs = difference(dump(database, model), wanted, 'in the tab', 'in the oracle');
    this.inspected += 1;
    findings.check(differs === null, 'I5', () => `${name} at version ${version} with ${shown.length} pending: ${differs ?? ''}`);
    // Long work goes on in turns that follow on each other.
    if (this.#parts.nowMs() - this.#busyMs >= QUIET_MS && this.#worker?.isQuietFor(QUIET_MS) === true) this.queries.compare(database);
  }

  /** Claims that it goes by. */
  get user(): Claims | null {
    return this.#engine?.status().user ?? null;
  }

  /** What it sees, as the room said. */
  get sight(): Sight | null {
    const database = this.databases.only;
    return database === null ? null : this.databases.sightOf(database);
  }

  #isDecided(history: History, { clientId, mutationId }: Mutation, version: number): boolean {
    return (history.fateOf(clientId, mutationId)?.version ?? Number.POSITIVE_INFINITY) <= version;
  }

  /**
   * Of what is shown its own pending mutations are a part, those of a client in their order (when one was adopted is told later than done); the others are
   * siblings' that nobody has told to be settled.
   */
  #ownAreShown(own: readonly Mutation[], shown: readonly Mutation[]): void {
    const { findings, name } = this.#parts;
    const names = shown.map(nameOf);
    // By what stays the same: that a client goes by another name is told after it does.
    const seeds = shown.map(({ seed }) => seed);
    const at = new Map<string, number>();
    for (const mutation of own) {
      const next = seeds.indexOf(mutation.seed);
      findings.check(
        next > (at.get(mutation.clientId) ?? -1),
        'I5',
        () => `${name} shows ${names.join(', ')}; mutation ${nameOf(mutation)} is not among them, or not in order`,
      );
      at.set(mutation.clientId, next);
    }
    findings.check(new Set(names).size === names.length, 'I5', () => `${name} shows a mutation twice: ${names.join(', ')}`);
    if (this.#parts.hasSiblings) return;
    const pending = new Set(this.pending.map(({ seed }) => seed));
    const strange = shown.find(({ seed }) => !pending.has(seed));
    findings.check(
      strange === undefined,
      'I5',
      () => `${name} shows mutation ${strange === undefined ? '' : nameOf(strange)}, which is not pending`,
    );
  }

  /** Siblings' mutations that are shown. */
  get siblings(): readonly Mutation[] {
    if (this.#engine === null || !this.#parts.hasSiblings) return [];
    const own = new Set(this.pending.map(nameOf));
    return this.#engine.shownMutations().filter((mutation) => !own.has(nameOf(mutation)));
  }

  /** What a sibling needs to take over: clients with something pending, and all that is pending. */
  outbox(): { clients: EngineClient[]; mutations: Mutation[] } {
    const left = new Set(this.pending.map(({ clientId }) => clientId));
    const clients = [...this.clients].filter(([clientId]) => left.has(clientId)).map(([clientId, client]) => ({ clientId, ...client }));
    return { clients, mutations: [...this.pending] };
  }

  /** The engine was told to end: what it holds says nothing any more. */
  ended(): void {
    this.#engine = null;
  }

  close(): void {
    this.#shadow?.close();
    this.#shadow = null;
    this.databases.close();
    this.#engine = null;
  }

  #stored({ clientId, from = 1, upTo }: StoredNotice): void {
    for (const mutation of this.pending)
      if (mutation.clientId === clientId && mutation.mutationId >= from && mutation.mutationId <= upTo) this.#parts.onStored(mutation);
  }

  #settled({ clientId, mutationId, outcome, version, error }: SettledNotice): void {
    const { findings, name } = this.#parts;
    const said = `${name} was told that mutation ${mutationId} of ${clientId} is ${outcome} at version ${version}`;
    const index = this.pending.findIndex((mutation) => mutation.clientId === clientId && mutation.mutationId === mutationId);
    const mutation = this.pending[index];
    if (mutation === undefined) return findings.report('I18', `${said}, which is not pending: told twice, or never made`);
    const earlier = this.pending.find((other) => other.clientId === clientId && other.mutationId < mutationId);
    findings.check(earlier === undefined, 'I3', () => `${said} before mutation ${earlier?.mutationId}`);
    this.pending.splice(index, 1);
    this.#client(clientId).confirmed = mutationId;
    if (outcome === 'rejected') this.#rejected.add(elementOf(mutation));
    const fate = this.#historyNow(this.#engine?.status())?.fateOf(clientId, mutationId);
    if (fate === undefined) return findings.report('I1', `${said}, and the log does not have it`);
    const agrees = outcome === 'applied' ? fate.rejected === null : fate.rejected?.code === error?.code;
    findings.check(
      agrees && fate.version <= version,
      'I1',
      () => `${said} (${error?.code ?? 'no code'}), and the log says ${fate.rejected?.code ?? 'applied'} at ${fate.version}`,
    );
    this.#readOwnWrite(said, mutation, outcome === 'applied' ? 1 : 0);
  }

  /** What is shown is a state of it; another line than before starts everything that compares anew. */
  #historyNow(status?: Pick<EngineStatus, 'historyId' | 'version'>): History | null {
    const { historyId = null, version = null } = status ?? {};
    if (historyId === null || version === null) return null;
    const { history: room, findings, name } = this.#parts;
    const position = this.databases.positionAt(historyId, version);
    const history = (position === null ? undefined : room.lineThrough(position)) ?? room.of(historyId);
    const shown = `${name} shows version ${version} of history ${historyId}`;
    findings.check(history !== undefined && position !== null, 'I12', () => `${shown}, which never was`);
    if (history === undefined || position === null) return null;
    findings.check(history.holds(position) || version > history.head, 'I11', () => `${shown}, of a line that never was: ${position.hash}`);
    // One that has ended is another object than it was before.
    if (history !== this.#history || history.line !== this.#line) {
      this.#shadow?.close();
      this.#shadow = null;
    }
    if (this.#position === null || !history.holds(this.#position)) {
      this.#version = -1;
      this.#seen = new Set();
    }
    this.#history = history;
    this.#line = history.line;
    this.#position = position;
    return history;
  }

  /** The room lost some of this client's mutations: those that are pending go on under another name. */
  #rekeyed({ clientId, to, offset }: RekeyedNotice): void {
    const { findings, history, name } = this.#parts;
    findings.check(
      history.tailsLost > 0 || history.isUnknowable(clientId),
      'I12',
      () => `${name}: ${clientId} was renamed, though no history was lost`,
    );
    const known = this.clients.get(clientId);
    this.clients.delete(clientId);
    if (known !== undefined) this.#client(to).lastMutationId = known.lastMutationId - offset;
    this.#aliases.set(clientId, { to, offset });
    this.pending = this.pending.map((mutation) => {
      const renamed = this.#renamed(mutation);
      if (renamed !== mutation) this.#register(renamed);
      return renamed;
    });
  }

  /** The page may call under the old name until it has heard of the new one. */
  #renamed(mutation: Mutation): Mutation {
    const alias = this.#aliases.get(mutation.clientId);
    if (alias === undefined) return mutation;
    return this.#renamed({ ...mutation, clientId: alias.to, mutationId: mutation.mutationId - alias.offset });
  }

  /** The rows are there when the settling is told, and those of a rejected one are gone. */
  #readOwnWrite(said: string, mutation: Mutation, times: number): void {
    const database = this.databases.only;
    const element = elementOf(mutation);
    if (database === null || !mutation.name.startsWith('append') || this.#parts.history.isUnknowable(mutation.clientId)) return;
    if (this.#parts.registry.isShared(element)) return;
    const want = mutation.name === 'appendBoth' ? times * 2 : times;
    const found = Number(database.prepare('SELECT count(*) FROM entries WHERE value = ?').get([element])?.[0]);
    this.#parts.findings.check(found === want, times === 1 ? 'I9' : 'I5', () => `${said}, and the tab has ${element} ${found} times`);
  }

  #query(notice: QueryNotice): void {
    this.#historyNow(this.#engine?.status());
    const watched = this.queries.told(notice);
    if (notice.update !== null && watched?.query.sql === ALL_ENTRIES_SQL) this.#nothingVanishes(watched.rows ?? []);
  }

  /** No flicker: an element that was shown is shown until it is rejected, through commits, rebases and fresh snapshots. */
  #nothingVanishes(rows: readonly Row[]): void {
    const now = new Set(rows.map(([element]) => String(element)));
    for (const element of this.#seen) {
      if (now.has(element) || this.#rejected.has(element.split('.')[0] ?? '') || !this.#mustStay(element)) continue;
      this.#parts.findings.report('I5', `${this.#parts.name}: ${element} was shown and has vanished without having been rejected`);
      break;
    }
    this.#seen = now;
  }

  /** What a sibling called may be rejected, or go with a tab that was not able to save it; once the room has it, it stays. */
  #mustStay(element: string): boolean {
    const { registry, tab, hasSiblings } = this.#parts;
    const names = registry.namesOfElement(element.split('.')[0] ?? '');
    const fates = names.map(({ clientId, mutationId }) => this.#history?.fateOf(clientId, mutationId));
    // The word that it was rejected comes with the last of the queries that it touched.
    if (fates.some((fate) => fate !== undefined && fate.rejected !== null && fate.version <= (this.#engine?.status().version ?? -1)))
      return false;
    // What the page had called may be another tab's by now: of an earlier load, whose client the room knows no more, or rejected and called again there.
    const last = names.at(-1)?.clientId ?? '';
    const isOwn = element.startsWith(`${tab}-`) && (this.clients.has(last) || this.#aliases.has(last));
    if (!hasSiblings || isOwn) return true;
    return fates.some((fate) => fate !== undefined && fate.rejected === null && fate.version <= this.#version);
  }

  #client(clientId: string): { lastMutationId: number; confirmed: number; welcomed: number | null } {
    const known = this.clients.get(clientId);
    if (known !== undefined) return known;
    this.#parts.onClient(clientId);
    const fresh = { lastMutationId: 0, confirmed: 0, welcomed: this.#welcomeVersion };
    this.clients.set(clientId, fresh);
    return fresh;
  }

  #register(mutation: Mutation): void {
    this.#parts.registry.add({ mutation, user: { sub: this.#parts.user }, isNewer: this.#parts.build.isNewer });
  }
}

const nameOf = ({ clientId, mutationId }: Mutation): string => `${clientId} ${mutationId}`;
