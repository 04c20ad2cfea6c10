import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageOf, HelloMessage } from '@alcove/core/protocol/client-message';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import { viewOf } from '../access/view.ts';
import type { ToldVersion } from './class-commits.ts';
import { hydrationAt, hydrationOf } from './hydrate.ts';
import type { HydrationReason, Standing } from './hydrate.ts';
import type { StreamParts } from './room-parts.ts';
import type { ImageOffer } from './room-ports.ts';
import { RowSnapshots } from './row-snapshots.ts';
import type { Session, Sessions } from './sessions.ts';
import { sessionView } from './sessions.ts';
import type { Settling } from './settling.ts';
import { Subscribers } from './subscribers.ts';

/** How a session gets what it lacks. */
type Hydration = { readonly by: 'image'; readonly image: ImageOffer } | { readonly by: 'rows' | 'nothing'; readonly image: null };

/** Where a session that comes in stands, and what it gets. */
export interface Start {
  readonly reason: HydrationReason;
  readonly image: ImageOffer | null;
  /** To be called once the session was welcomed. */
  begin(): void;
}

/** What feeding sessions asks of what is around it. */
export interface FeedSurroundings {
  /** `stream.poll()` and `rows.step()` are wanted at that monotonic time. */
  wantPoll(atMs: number): void;
  wantRows(atMs: number): void;
  send(session: Session, message: ServerMessageInput): void;
  end(session: Session, error: AlcoveError): void;
}

/** What sessions get of the room's rows: a snapshot where they need one, then the change stream. The same in the room itself and where it is followed. */
export class SessionFeeds<Made extends ToldVersion> {
  readonly stream: Subscribers<Made>;
  readonly rows: RowSnapshots;
  readonly #parts: StreamParts;
  readonly #around: FeedSurroundings;

  constructor(parts: StreamParts, sessions: Sessions, settling: Settling<Made>, around: FeedSurroundings) {
    const rehydrate = (session: Session): void => this.rehydrate(session, 'backlog');
    const end = (session: Session, error: AlcoveError): void => around.end(session, error);
    this.#parts = parts;
    this.#around = around;
    this.stream = new Subscribers(parts, sessions, settling, {
      wantPoll: (atMs) => around.wantPoll(atMs),
      rehydrate,
      rulesFailed: (session, error) => this.#rulesFailed(session, error),
      end,
    });
    this.rows = new RowSnapshots(parts, {
      wantStep: (atMs) => around.wantRows(atMs),
      sent: (session, version) => this.stream.begin(session, version),
      restart: rehydrate,
      end,
    });
  }

  /** @throws AlcoveError `overloaded` where nothing that it takes can be had. */
  startOf(session: Session, resume: HelloMessage['resume']): Start {
    const reason = hydrationOf(resume, sessionView(session), this.#standing());
    if (reason === 'resume') return { reason, image: null, begin: () => this.stream.begin(session, resume?.version ?? 0) };
    const hydration = this.#hydrationFor(session);
    return { reason, image: hydration.image, begin: () => this.#hydrate(session, hydration) };
  }

  /** The session is over. */
  forget(session: Session): void {
    this.stream.step(session, { type: 'end' });
    this.rows.cancel(session);
  }

  /**
   * The replica holds that point: an image was loaded, or something was missing in between. Where rows are on their way it is a late word from before
   * them, and they decide.
   */
  follow(session: Session, { historyId, version, hash }: ClientMessageOf<'follow'>): void {
    if (session.state.phase === 'rows') return;
    const reason = hydrationAt({ historyId, version, hash }, this.#standing());
    if (reason === 'resume') this.stream.begin(session, version);
    else this.rehydrate(session, reason);
  }

  /** A follower's file stands there: it gets the log from there on, or takes a copy of the room's file and says so again. */
  followLog(session: Session, at: ClientMessageOf<'followLog'>): void {
    if (session.access.isFollower !== true) {
      const message = 'the whole log is for servers that bring the follower token';
      return this.#around.send(session, { type: 'error', code: 'forbidden', message, re: 'followLog' });
    }
    this.rows.cancel(session);
    session.takesRecords = true;
    const reason = hydrationAt(at, this.#standing());
    if (reason === 'resume') this.stream.begin(session, at.version);
    else this.rehydrate(session, reason);
  }

  /** The stream cannot go on for the session, or it asked: it gets a fresh snapshot. */
  rehydrate(session: Session, reason: HydrationReason): void {
    this.rows.cancel(session);
    if (session.takesRecords) {
      this.stream.step(session, { type: 'hydrate', by: 'image' });
      return this.#around.send(session, { type: 'rehydrate', reason, view: sessionView(session), image: null });
    }
    if (session.state.phase === 'live' || session.state.phase === 'behind') session.owedFrom = session.state.sent;
    try {
      const hydration = this.#hydrationFor(session);
      this.#around.send(session, { type: 'rehydrate', reason, view: sessionView(session), image: hydration.image });
      this.#hydrate(session, hydration);
    } catch (error) {
      this.#around.end(session, AlcoveError.from(error));
    }
  }

  /** Perhaps the row was mended since: the room's rows as they stand now decide. An image may be of before, and lead here again. */
  #rulesFailed(session: Session, error: AlcoveError): void {
    if (!session.snapshots.includes('rows')) return this.#around.end(session, this.#parts.readers.refusal(error));
    session.snapshots = ['rows'];
    this.rehydrate(session, 'backlog');
  }

  #hydrate(session: Session, hydration: Hydration): void {
    if (hydration.by === 'nothing') return this.stream.begin(session, this.#parts.gate.durable);
    this.stream.step(session, { type: 'hydrate', by: hydration.by });
    if (hydration.by === 'rows') this.rows.add(session);
  }

  /** The first of its kinds that can be had. A client that takes none follows the stream from here on without a snapshot. */
  #hydrationFor(session: Session): Hydration {
    for (const kind of session.snapshots) {
      if (kind === 'rows') return { by: 'rows', image: null };
      // An image has all of the room's tables, and an older client would refuse it.
      const image = session.isOlder ? null : this.#offerImage(session);
      if (image !== null) return { by: 'image', image };
    }
    if (session.snapshots.length === 0) return { by: 'nothing', image: null };
    throw new AlcoveError('overloaded', 'there is no image to be had just now, and the client takes no rows', {
      retryAfterMs: this.#parts.limits.retryAfterMs,
    });
  }

  #offerImage({ readerClass }: Session): ImageOffer | null {
    const { historyId, gate, log, definition, ports } = this.#parts;
    const schema = definition.model.schemaId;
    return ports.offerImage({
      historyId,
      version: gate.durable,
      floor: log.floor.version,
      schema,
      view: viewOf(readerClass, schema),
      readerClass,
    });
  }

  #standing(): Standing {
    return { log: this.#parts.log, historyId: this.#parts.historyId, durable: this.#parts.gate.durable };
  }
}
