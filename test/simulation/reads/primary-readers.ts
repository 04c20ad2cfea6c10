import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { digestDatabase } from '../../../packages/server/src/read/digest-database.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import { digestTables, type RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import { RoomUnavailable } from '../../../packages/server/src/read/room-unavailable.ts';
import type { Prng } from '../../fake/prng.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { inFile, readFile } from './read-in.ts';

export interface PrimaryReadersParts {
  /** The server's. */
  readonly process: SimProcess;
  readonly random: Prng;
  /** What goes wrong with its reader processes: a share of the reads ends with its process, or takes too long. */
  readonly trouble: { killed: number; slow: number };
  readonly model: RoomModel;
  fileOf(room: ReadRequest['room']): string | null;
  /** Whether what is in a room's file up to that version is on the disk for good. */
  isDurable(room: ReadRequest['room'], version: number): boolean;
}

const READ_MS_MAX = 12;
const HOLD_MS = 5;

/** The primary's own readers: they read the room's file, in a snapshot, and tell nothing that a crash could take back. */
export class PrimaryReaders implements Replica {
  readonly id = 'readers';
  readonly dialect = 'sqlite';
  readonly #parts: PrimaryReadersParts;
  readonly #open = new Set<() => void>();
  #isClosed = false;

  constructor(parts: PrimaryReadersParts) {
    this.#parts = parts;
  }

  read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    const { random, trouble, fileOf } = this.#parts;
    const fate = random.float();
    return this.#after(signal, () => {
      if (fate < trouble.killed) throw new AlcoveError('replica_unavailable', 'the reader process died');
      if (fate < trouble.killed + trouble.slow) throw new AlcoveError('query_timeout', 'the statement took too long');
      const path = fileOf(request.room);
      if (path === null) throw new RoomUnavailable('the room has no file');
      return this.#held(request.room, readFile(path, request), signal);
    });
  }

  check(signal: EndSignal): Promise<ReplicaLag> {
    return this.#after(signal, () => ({ versions: 0, ms: 0 }));
  }

  digest(room: ReadRequest['room'], signal: EndSignal): Promise<RoomDigest> {
    const { fileOf, model, process } = this.#parts;
    return this.#after(signal, () => {
      const path = fileOf(room);
      if (path === null) throw new RoomUnavailable('the room has no file');
      const digest = inFile(path, (database) => digestDatabase(database, digestTables(model), process.runtime));
      return this.#held(room, digest, signal);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of [...this.#open]) end();
  }

  /** A commit stands in the file before the disk has it, where that comes later. */
  async #held<Answer extends { readonly at: BookmarkParts }>(
    room: ReadRequest['room'],
    answer: Answer,
    signal: EndSignal,
  ): Promise<Answer> {
    while (!this.#parts.isDurable(room, answer.at.version)) await this.#after(signal, () => undefined, HOLD_MS);
    return answer;
  }

  #after<T>(signal: EndSignal, run: () => T | Promise<T>, ms = this.#parts.random.float() * READ_MS_MAX): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        this.#open.delete(ended);
        signal.removeEventListener('abort', ended);
      };
      const ended = (): void => {
        over();
        reject(new AlcoveError('closed', 'nobody waits for the read any more'));
      };
      const timer = this.#parts.process.runtime.setTimer(ms, () => {
        over();
        try {
          resolve(run());
        } catch (error) {
          reject(AlcoveError.from(error));
        }
      });
      this.#open.add(ended);
      signal.addEventListener('abort', ended, { once: true });
      if (this.#isClosed || signal.aborted) ended();
    });
  }
}
