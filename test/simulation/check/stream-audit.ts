import type { HelloMessage, PushMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage } from '@alcove/core/protocol/codec';
import type { CommitMessage, MutationResult, ServerMessage, ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Frame } from '../network/link.ts';
import type { History } from '../oracle/history.ts';
import type { Sight } from '../room/rule-sets.ts';
import type { Findings } from '../world/findings.ts';
import type { Trace } from '../world/trace.ts';
import type { ReadAudit } from './read-audit.ts';
import { canariesIn } from './sight-watch.ts';
import type { SightWatch } from './sight-watch.ts';

const LIMITS = { messageBytesMax: 64_000_000 };
/** Frames that go to many connections are read once. */
const DECODED_MAX = 32;
const LINE_MAX = 400;
const SEES_NOTHING: Sight = { tables: {}, seesNote: () => false, seesSecret: () => false };

interface Decoded {
  readonly message: ServerMessage | null;
  readonly canaries: ReadonlySet<string>;
}

/** Where a follower tells tabs of its room: there it is looked at as well. */
export interface FollowerBorder {
  /** What those claims let somebody see there. */
  sightOf(claims: Claims): Sight;
  /** What stands in a token, good or not. */
  claimsIn(token: string | null): Claims;
}

/** What one connection was told so far. */
interface Told {
  readonly clientId: string;
  readonly groupId: string;
  readonly resume: HelloMessage['resume'];
  /** What its claims let it see. */
  sight: Sight;
  /** Version that what was sent leaves its replica at; null while it has no snapshot. */
  position: number | null;
  snapshot: number | null;
  /** Of a follower: the version that the records it got leave it at. */
  records: number | null;
  /** It takes no snapshots: it follows from its welcome on. */
  readonly takesNone: boolean;
  welcomed: boolean;
  /** Settled mutations, `client id`; and per client the highest that a `duplicate` covers. */
  readonly settled: Set<string>;
  readonly covered: Map<string, number>;
  /** Of the room as it was welcomed to it; null until then. */
  historyId: string | null;
  /** At a follower: what stood in the tokens that it brought. */
  readonly brought: Set<string>;
  /** At a follower: it was told results of this version, and the commit has to be next. */
  ahead: number | null;
}

/**
 * Reads every frame that leaves the room, at the room's own border, or a follower for one of its tabs, and holds it against the history: nothing is told before it is durable, commits follow on each
 * other, results come before their commit and say what the log says, and what stays in the room never leaves.
 */
export class StreamAudit {
  readonly #history: History;
  readonly #findings: Findings;
  readonly #trace: Trace;
  readonly #runtime: Runtime;
  readonly #ownerOf: (clientId: string) => string | undefined;
  readonly #groupOf: (clientId: string) => string | undefined;
  readonly #isRemembered: (clientId: string) => boolean;
  readonly #firstVersionOf: (clientId: string) => number | undefined;
  readonly #sights: SightWatch;
  readonly #reads: ReadAudit;
  /** Null: of the room itself. */
  readonly #border: FollowerBorder | null;
  readonly #connections = new Map<string, Told>();
  readonly #decoded = new Map<Frame, Decoded>();
  /** By frames that name one. */
  readonly #views = new Map<Frame, string>();
  /** Frames by type, for the report. */
  readonly counts = new Map<string, number>();

  constructor(parts: {
    history: History;
    findings: Findings;
    trace: Trace;
    runtime: Runtime;
    /** Whose browser it is of. */
    ownerOf: (clientId: string) => string | undefined;
    /** As the room has it bound. */
    groupOf: (clientId: string) => string | undefined;
    isRemembered: (clientId: string) => boolean;
    /** The version that the room welcomed it at first; undefined: it does not know it. */
    firstVersionOf: (clientId: string) => number | undefined;
    sights: SightWatch;
    reads: ReadAudit;
    border?: FollowerBorder;
  }) {
    this.#border = parts.border ?? null;
    this.#reads = parts.reads;
    this.#sights = parts.sights;
    this.#history = parts.history;
    this.#findings = parts.findings;
    this.#trace = parts.trace;
    this.#runtime = parts.runtime;
    this.#ownerOf = parts.ownerOf;
    this.#groupOf = parts.groupOf;
    this.#isRemembered = parts.isRemembered;
    this.#firstVersionOf = parts.firstVersionOf;
  }

  serverGone(): void {
    this.#connections.clear();
  }

  /** `sight`: what its claims let it see; at a follower it is worked out here. */
  joining(connectionId: string, hello: HelloMessage, sight: Sight = SEES_NOTHING): void {
    const { clientId, groupId = clientId, resume, snapshots } = hello;
    this.#trace.add(connectionId, `hello of ${clientId}, resume ${resume === null ? 'nothing' : resume.version}`);
    const told: Told = {
      clientId,
      groupId,
      resume,
      sight,
      position: null,
      snapshot: null,
      records: null,
      takesNone: snapshots.length === 0,
      welcomed: false,
      settled: new Set(),
      covered: new Map(hello.clients.map((client) => [client.clientId, client.confirmed])),
      historyId: null,
      brought: new Set(),
      ahead: null,
    };
    this.#connections.set(connectionId, told);
    if (this.#border !== null) return this.#brings(told, hello.token);
    for (const client of hello.clients) this.#claims(client);
  }

  /**
   * Whoever heard of a client's first welcome is gone (a worker that died before its page heard of it; see drift.md): it goes by a later one from now on, or by none, and a room that forgets it, or
   * has forgotten it, cannot know that it knew it.
   */
  #claims({ clientId, welcomed }: HelloMessage['clients'][number]): void {
    const first = this.#firstVersionOf(clientId);
    const isLater = first === undefined ? welcomed === null : (welcomed ?? this.#history.durable) > first;
    if (isLater) this.#history.unknowable(clientId);
  }

  /** Its claims are others. */
  renewed(connectionId: string, sight: Sight): void {
    const told = this.#connections.get(connectionId);
    if (told !== undefined) told.sight = sight;
  }

  /** The view that a frame names. */
  viewIn(frame: Frame): string | null {
    return this.#views.get(frame) ?? null;
  }

  closed(connectionId: string): void {
    this.#connections.delete(connectionId);
  }

  /** A frame that the room is about to read. */
  received(connectionId: string, frame: Frame): void {
    const told = this.#connections.get(connectionId);
    if (told === undefined) return;
    const message = decodeClientMessage(frame, this.#runtime, LIMITS);
    if (message === null) return;
    this.#trace.add(connectionId, `→ ${this.#summary(message)}`);
    if (message.type === 'follow') told.position = message.version;
    else if (message.type === 'followLog') told.records = message.version;
    else if (this.#border === null && message.type === 'read') this.#reads.asked(connectionId, message);
    else if (message.type === 'auth') this.#brings(told, message.token);
  }

  sent(connectionId: string, frame: Frame): void {
    this.#trace.bytes(frame);
    const { message, canaries } = this.#read(frame);
    if (message === null) return;
    if ('view' in message) this.#views.set(frame, message.view);
    this.counts.set(message.type, (this.counts.get(message.type) ?? 0) + 1);
    this.#trace.add(connectionId, `← ${this.#summary(message)}`);
    const told = this.#connections.get(connectionId);
    // What a read was answered with was looked at where it left the room, and goes by the rules there.
    if (this.#border === null || message.type !== 'readRows')
      this.#sights.told(canaries, told?.sight ?? null, `${message.type} to ${connectionId}`);
    if (told === undefined) return;
    if (this.#border !== null) this.#comesNext(connectionId, told, message);
    this.#check(connectionId, told, message);
  }

  #read(frame: Frame): Decoded {
    const known = this.#decoded.get(frame);
    if (known !== undefined) return known;
    const message = decodeServerMessage(frame, this.#runtime, LIMITS);
    if (this.#decoded.size >= DECODED_MAX) this.#decoded.clear();
    const decoded = { message, canaries: canariesIn(JSON.stringify(message)) };
    this.#decoded.set(frame, decoded);
    return decoded;
  }

  #check(connectionId: string, told: Told, message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(connectionId, told, message);
      case 'rehydrate':
        this.#sights.named(message.view, told.sight);
        told.position = null;
        told.snapshot = null;
        return;
      case 'snapshotBegin':
        told.snapshot = message.version;
        this.#durable(connectionId, told, message.version, 'a snapshot');
        return this.#hash(connectionId, told, message.version, message.hash);
      case 'snapshotRows':
        return this.#findings.check(message.rows.table !== 'ledger', 'I14', () => `rows of a server-only table went to ${connectionId}`);
      case 'snapshotEnd':
        told.position = told.snapshot;
        return;
      case 'results':
        for (const result of message.results) this.#result(connectionId, told, result);
        return;
      case 'commit':
        return this.#commit(connectionId, told, message);
      case 'records':
        return this.#records(connectionId, told, message);
      case 'readRows':
        return this.#border === null ? this.#reads.sent(connectionId, message, told.sight) : undefined;
      case 'user':
        return this.#goesBy(connectionId, told, message.user);
      default:
        return;
    }
  }

  #welcome(connectionId: string, told: Told, welcome: WelcomeMessage): void {
    this.#findings.check(!told.welcomed, 'I13', () => `${connectionId} was welcomed twice`);
    told.welcomed = true;
    told.historyId = welcome.historyId;
    const isRight = this.#border === null ? welcome.historyId === this.#history.id : this.#history.of(welcome.historyId) !== undefined;
    this.#findings.check(isRight, 'I12', () => `${connectionId} was welcomed to history ${welcome.historyId}`);
    this.#goesBy(connectionId, told, welcome.user);
    this.#sights.named(welcome.view, told.sight);
    this.#durable(connectionId, told, welcome.version, 'welcome');
    if (welcome.hydration === 'resume') told.position = told.resume?.version ?? null;
    else if (told.takesNone) told.position = welcome.version;
  }

  #commit(connectionId: string, told: Told, { from, to, hash, changes }: CommitMessage): void {
    this.#durable(connectionId, told, to, 'a commit');
    this.#hash(connectionId, told, to, hash);
    const { position } = told;
    const fits = position !== null && from === position && to > from;
    this.#findings.check(fits, 'I13', () => `commit (${from}, ${to}] went to ${connectionId}, which stands at ${position}`);
    this.#findings.check(
      !changes.some(({ table }) => table === 'ledger'),
      'I14',
      () => `changes of a server-only table went to ${connectionId}`,
    );
    const history = this.#historyOf(told);
    if (!fits || position === null || to > history.head) return;
    told.position = to;
    // Who is in which group stands in the room as it is now.
    if (history !== this.#history) return;
    for (let version = position + 1; version <= to; version += 1) {
      for (const { clientId, mutationId } of this.#history.at(version).acks) {
        if (this.#groupOf(clientId) !== told.groupId) continue;
        // Of a client that ended with nothing pending, or was forgotten, the room does not know the group any more.
        const known =
          this.#history.isUnknowable(clientId) ||
          !this.#isRemembered(clientId) ||
          told.settled.has(`${clientId} ${mutationId}`) ||
          mutationId <= (told.covered.get(clientId) ?? 0);
        this.#findings.check(
          known,
          'I13',
          () =>
            `commit (${from}, ${to}] went to ${connectionId} before the result of its group's mutation ${mutationId} of ${clientId} (version ${version})`,
        );
      }
    }
  }

  /** To a follower: whole versions, in order. */
  #records(connectionId: string, told: Told, { records }: ServerMessageOf<'records'>): void {
    for (const { version, hash } of records) {
      this.#durable(connectionId, told, version, 'a record');
      this.#hash(connectionId, told, version, hash);
      this.#findings.check(
        version === (told.records ?? Number.NaN) + 1,
        'I13',
        () => `version ${version} went to follower ${connectionId}, which stands at ${told.records}`,
      );
      told.records = version;
    }
  }

  #result(connectionId: string, told: Told, { clientId, mutationId, status, version, code }: MutationResult): void {
    this.#durable(connectionId, told, version, `the result of mutation ${mutationId} of ${clientId}`);
    const [owner, hears] = [this.#ownerOf(clientId), this.#ownerOf(told.clientId)];
    this.#findings.check(
      owner === undefined || hears === undefined || owner === hears,
      'I14',
      () => `a result of ${clientId} went to ${connectionId}, which is of another group`,
    );
    const fate = this.#historyOf(told).fateOf(clientId, mutationId);
    const said = `${connectionId} was told that mutation ${mutationId} of ${clientId} was ${status} by version ${version}`;
    if (fate === undefined) return this.#findings.report('I1', `${said}, and the log does not have it`);
    // Done once more, it has two fates.
    if (this.#history.isUnknowable(clientId)) return;
    if (status === 'duplicate') {
      this.#findings.check(fate.version <= version, 'I13', () => `${said}, and it was settled by version ${fate.version}`);
      told.covered.set(clientId, Math.max(told.covered.get(clientId) ?? 0, mutationId));
      return;
    }
    told.settled.add(`${clientId} ${mutationId}`);
    const agrees = fate.version === version && (status === 'rejected' ? fate.rejected?.code === code : fate.rejected === null);
    this.#findings.check(
      agrees,
      'I1',
      () => `${said} (${code ?? 'no code'}), and the log says ${fate.rejected?.code ?? 'applied'} by version ${fate.version}`,
    );
  }

  /** A follower may not have heard yet that the room goes on under another one. */
  #historyOf({ historyId }: Told): History {
    return (historyId === null ? undefined : this.#history.of(historyId)) ?? this.#history;
  }

  #durable(connectionId: string, told: Told, version: number, what: string): void {
    const { durable } = this.#historyOf(told);
    this.#findings.check(
      version <= durable,
      'I13',
      () => `${what} of version ${version} went to ${connectionId}, and only version ${durable} is durable`,
    );
  }

  #hash(connectionId: string, told: Told, version: number, hash: string): void {
    const history = this.#historyOf(told);
    if (version === 0 || version > history.head) return;
    const right = history.at(version).hash;
    this.#findings.check(hash === right, 'I11', () => `${connectionId} was told hash ${hash} of version ${version}, the log has ${right}`);
  }

  /** It may go by the claims in this token, if its user's primary says so. */
  #brings(told: Told, token: string | null): void {
    if (this.#border !== null) told.brought.add(claimsText(this.#border.claimsIn(token)));
  }

  /** The room says who it is: nobody but the user whose token it brought itself, and rows are chosen by that from now on. */
  #goesBy(connectionId: string, told: Told, user: Claims | null): void {
    if (this.#border === null) return;
    const claims = user ?? {};
    this.#findings.check(
      told.brought.has(claimsText(claims)),
      'I36',
      () => `${connectionId} goes by ${claimsText(claims)}, and brought ${[...told.brought].join(' and ')}`,
    );
    told.sight = this.#border.sightOf(claims);
  }

  /** Results wait at a follower for the commit of their version: it leaves right after them. */
  #comesNext(connectionId: string, told: Told, message: ServerMessage): void {
    const { ahead } = told;
    if (message.type === 'results') {
      const newest = Math.max(...message.results.map(({ version }) => version));
      if (told.position === null || newest > told.position) told.ahead = Math.max(ahead ?? 0, newest);
      return;
    }
    if (ahead === null) return;
    told.ahead = null;
    this.#findings.check(
      message.type === 'commit' && message.to >= ahead,
      'I13',
      () => `${connectionId} was told results of version ${ahead}, and ${message.type} next, at version ${told.position ?? 'none'}`,
    );
  }

  /** The type alone, or as much as fits a line where somebody reads along. */
  #summary(message: { readonly type: string }): string {
    if (!this.#trace.isEchoed) return message.type;
    if (message.type === 'push' && 'mutations' in message)
      return `push ${JSON.stringify((message as PushMessage).mutations.map(({ clientId, mutationId, name }) => [clientId, mutationId, name]))}`; // of that type
    const text = JSON.stringify(message);
    return text.length <= LINE_MAX ? text : `${text.slice(0, LINE_MAX)}…`;
  }
}

/** Equal for the same claims. */
const claimsText = (claims: Claims): string => JSON.stringify(Object.entries(claims).sort(([one], [other]) => (one < other ? -1 : 1)));
