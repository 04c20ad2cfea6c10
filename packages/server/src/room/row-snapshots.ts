import type { ChangeSet } from '@alcove/core/change/change-set';
import { rowsToWire } from '@alcove/core/change/wire';
import { AlcoveError } from '@alcove/core/error';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { LogHead } from '../change-log/change-log.ts';
import { RowRun } from '../snapshot/row-run.ts';
import type { StreamParts } from './room-parts.ts';
import type { Session } from './sessions.ts';
import { SnapshotRates } from './snapshot-rates.ts';

/** What row snapshots ask of the room around them. */
export interface SnapshotSurroundings {
  /** `step()` is wanted at that monotonic time. */
  wantStep(atMs: number): void;
  /** The session holds the room at `version`. */
  sent(session: Session, version: number): void;
  /** So much changed while it was read that it has to begin again. */
  restart(session: Session): void;
  end(session: Session, error: AlcoveError): void;
}

/** A reader whose socket is too full for so long while others of its run wait gets a run of its own. */
const FORK_AFTER_MS = 1_000;

interface Reader {
  readonly session: Session;
  bufferedBytes: number;
  /** Since when its socket has been too full; null: it takes the next chunk. */
  fullSinceMs: number | null;
  /** When its socket drained last while it was too full. */
  drainedMs: number;
}

interface Running {
  readonly run: RowRun;
  readonly at: LogHead;
  readonly readers: Map<string, Reader>;
  chunks: number;
}

/**
 * Snapshots as row chunks over the socket, for hosts without images and clients that take none. Sessions that wait when a run begins share it: rows are read and
 * encoded once for those of a class. Between two chunks everything else has its turn. Who asks more often than the rates allow waits, and gets it later.
 */
export class RowSnapshots {
  readonly #parts: StreamParts;
  readonly #around: SnapshotSurroundings;
  readonly #rates: SnapshotRates;
  readonly #waiting = new Set<Session>();
  /** Of those that wait, whom the rates make wait. */
  readonly #putOff = new Set<Session>();
  /** Whose snapshot was thrown away by the room: the next one is not charged to them. */
  readonly #restarted = new WeakSet<Session>();
  readonly #running = new Set<Running>();

  constructor(parts: StreamParts, around: SnapshotSurroundings) {
    this.#parts = parts;
    this.#around = around;
    this.#rates = new SnapshotRates(parts.limits);
  }

  get active(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Lowest version that a run needs the log from, to be caught up afterwards. */
  get oldest(): number {
    let oldest = Number.MAX_SAFE_INTEGER;
    for (const { at } of this.#running) oldest = Math.min(oldest, at.version);
    return oldest;
  }

  add(session: Session): void {
    this.cancel(session);
    this.#waiting.add(session);
    this.#around.wantStep(this.#parts.runtime.monotonicMs());
  }

  cancel(session: Session): void {
    this.#waiting.delete(session);
    this.#putOff.delete(session);
    for (const running of this.#running) {
      running.readers.delete(session.connectionId);
      if (running.readers.size === 0) this.#running.delete(running);
    }
  }

  /** Right after the COMMIT, before anything else reads the database. */
  observe(changeSet: ChangeSet): void {
    for (const running of [...this.#running]) {
      running.run.observe(changeSet);
      if (running.run.overlayRows > this.#parts.limits.snapshotOverlayRowsMax) this.#restart(running);
    }
  }

  /** Begins what waits, and sends one chunk of every run. */
  step(): void {
    if (this.#waiting.size > 0) this.#begin();
    for (const running of [...this.#running]) this.#advance(running);
    if (this.#running.size > 0 || this.#waiting.size > 0) this.#around.wantStep(this.#nextStepMs());
  }

  /** At once while somebody takes rows, else when sockets are looked at again; where all are put off, when the first of them is not. */
  #nextStepMs(): number {
    const nowMs = this.#parts.runtime.monotonicMs();
    const ready = [...this.#running].some(({ readers }) => [...readers.values()].every(({ fullSinceMs }) => fullSinceMs === null));
    if (ready) return nowMs;
    const { drainPollMs } = this.#parts.limits;
    if (this.#running.size > 0 || this.#putOff.size < this.#waiting.size) return nowMs + drainPollMs;
    const delays = [...this.#putOff].map((session) => this.#rates.delayOf(session, nowMs)?.ms ?? 0);
    return nowMs + Math.max(drainPollMs, Math.min(...delays));
  }

  /** Those of one class that may begin now, in the order in which they asked; each is charged for it. */
  #takeDue(nowMs: number): Session[] {
    const due: Session[] = [];
    for (const session of this.#waiting) {
      if (due[0] !== undefined && due[0].readerClass.id !== session.readerClass.id) continue;
      if (!this.#restarted.delete(session)) {
        if (this.#isPutOff(session, nowMs)) continue;
        this.#rates.take(session, nowMs);
      }
      due.push(session);
    }
    for (const session of due) this.#waiting.delete(session);
    return due;
  }

  /** Each snapshot that has to wait is counted once. */
  #isPutOff(session: Session, nowMs: number): boolean {
    const delay = this.#rates.delayOf(session, nowMs);
    if (delay === null) {
      this.#putOff.delete(session);
      return false;
    }
    if (!this.#putOff.has(session)) this.#parts.meter.met(delay.limit);
    this.#putOff.add(session);
    return true;
  }

  /** One run, for those of one class; whoever waits in another gets one at the next step. */
  #begin(): void {
    const { log, gate, database, definition, limits, historyId, readers } = this.#parts;
    // A version that is not durable yet may not be told, nor rows of it.
    if (gate.durable < log.head.version || this.#running.size >= limits.snapshotRunsMax) return;
    const alike = this.#takeDue(this.#parts.runtime.monotonicMs());
    const [first] = alike;
    if (first === undefined) return;
    const { readerClass } = first;
    const run = this.#asked(alike, () => new RowRun(database, definition.model, limits, { readers, readerClass }));
    if (run === undefined) return;
    const running: Running = {
      run,
      at: log.head,
      readers: new Map(alike.map((session) => [session.connectionId, { session, bufferedBytes: 0, fullSinceMs: null, drainedMs: 0 }])),
      chunks: 0,
    };
    this.#running.add(running);
    const schema = definition.model.schemaId;
    this.#send(running, {
      type: 'snapshotBegin',
      historyId,
      version: running.at.version,
      schema,
      hash: running.at.hash,
      tables: run.tables,
    });
  }

  #advance(running: Running): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    for (const reader of [...running.readers.values()]) this.#look(running, reader, nowMs);
    const readers = [...running.readers.values()];
    if (readers.length === 0) return;
    if (readers.some(({ fullSinceMs }) => fullSinceMs !== null)) {
      if (readers.some(({ fullSinceMs }) => fullSinceMs === null)) this.#forkSlow(running, nowMs);
      return;
    }
    const sessions = readers.map(({ session }) => session);
    const chunk = this.#asked(sessions, () => running.run.next());
    if (chunk === undefined) return;
    if (chunk === null) return this.#finish(running);
    const rows = rowsToWire(chunk.table, chunk.columns, chunk.rows);
    this.#send(running, { type: 'snapshotRows', index: running.chunks, rows });
    running.chunks += 1;
  }

  /** Whether the reader can take more. One that drains, however slowly, is waited for. */
  #look(running: Running, reader: Reader, nowMs: number): void {
    const { limits, ports } = this.#parts;
    const before = reader.bufferedBytes;
    reader.bufferedBytes = ports.bufferedBytes(reader.session.connectionId);
    if (reader.bufferedBytes <= limits.subscriberBacklogBytesMax / 2) {
      reader.fullSinceMs = null;
      return;
    }
    if (reader.fullSinceMs === null || reader.bufferedBytes < before) reader.drainedMs = nowMs;
    reader.fullSinceMs ??= nowMs;
    if (nowMs - reader.drainedMs < limits.subscriberBacklogMsMax) return;
    running.readers.delete(reader.session.connectionId);
    if (running.readers.size === 0) this.#running.delete(running);
    this.#around.end(
      reader.session,
      new AlcoveError('backlog_exceeded', 'the reader does not take its snapshot', { limit: 'subscriberBacklogMsMax' }),
    );
  }

  /** Readers that hold up the others go on alone, while there may be another run. */
  #forkSlow(running: Running, nowMs: number): void {
    for (const [connectionId, reader] of [...running.readers]) {
      if (this.#running.size >= this.#parts.limits.snapshotRunsMax) return;
      if (reader.fullSinceMs === null || nowMs - reader.fullSinceMs < FORK_AFTER_MS) continue;
      running.readers.delete(connectionId);
      this.#running.add({ run: running.run.fork(), at: running.at, readers: new Map([[connectionId, reader]]), chunks: running.chunks });
    }
  }

  /** Undefined: the rules of their class fail over a row, and they were shut out. */
  #asked<Answer>(sessions: readonly Session[], ask: () => Answer): Answer | undefined {
    try {
      return ask();
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (error.code !== 'rule_failed') throw error;
      const refusal = this.#parts.readers.refusal(error);
      for (const session of sessions) this.#around.end(session, refusal);
      return undefined;
    }
  }

  #finish(running: Running): void {
    this.#running.delete(running);
    this.#send(running, { type: 'snapshotEnd', chunks: running.chunks, rows: running.run.given });
    for (const { session } of running.readers.values()) this.#around.sent(session, running.at.version);
  }

  #restart(running: Running): void {
    this.#running.delete(running);
    for (const { session } of running.readers.values()) {
      this.#restarted.add(session);
      this.#around.restart(session);
    }
  }

  #send(running: Running, message: ServerMessageInput): void {
    const frame = new SharedFrame(message, this.#parts.runtime);
    for (const { session } of running.readers.values()) this.#parts.ports.send(session.connectionId, frame.for(session.codec), 'main');
  }
}
