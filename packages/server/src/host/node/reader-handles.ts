import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { digestDatabase } from '../../read/digest-database.ts';
import type { ReadAnswer } from '../../read/replica.ts';
import type { RoomDigest } from '../../read/room-digest.ts';
import type { DigestJob, ReadJob, ReaderSettings } from './reader-job.ts';
import { openPhotostructure } from './photostructure-database.ts';
import { fileNow, ReaderSandbox } from './reader-sandbox.ts';

/** Handles a process keeps open, each with at most 2 MB of pages; the longest unused is closed first. Opening one takes about a millisecond. */
const HANDLES_MAX = 16;

/**
 * Handles closed until the garbage collector is called. With this package a closed handle keeps its files open until its statements were collected, which nobody would call for: what they
 * take is not on JavaScript's heap. It takes some 10 ms.
 */
const CLOSED_MAX = 8;

/** The handles of a reader process, one for each room's file and class of readers. */
export class ReaderHandles {
  readonly #settings: ReaderSettings;
  readonly #runtime: Runtime;
  readonly #open = new Map<string, ReaderSandbox>();
  #closed = 0;

  constructor(settings: ReaderSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
  }

  /** @throws AlcoveError as `Replica.read` says, and `rule_failed`. */
  read(job: ReadJob): ReadAnswer {
    const key = `${job.path}\n${job.sight.key}`;
    // A schema that changes again between the two is one that is being changed.
    const answer = this.#sandbox(key, job).read(job) ?? this.#anew(key, job).read(job);
    if (answer === null) throw new AlcoveError('replica_unavailable', 'the room’s schema is being changed');
    return answer;
  }

  /** On a handle of its own, without the bounds of reads. @throws AlcoveError `replica_unavailable` */
  digest({ path, digest }: DigestJob): RoomDigest {
    try {
      const database = openPhotostructure(path, { readonly: true });
      try {
        return digestDatabase(database, digest, this.#runtime);
      } finally {
        database.close();
      }
    } catch (cause) {
      const { code, message } = AlcoveError.from(cause);
      throw new AlcoveError('replica_unavailable', `no digest can be made of the room’s file: ${code}: ${message}`, { cause });
    } finally {
      this.#oneClosed();
    }
  }

  /** Has SQLite answer, without any file. @throws whatever loading it does */
  check(): void {
    ReaderSandbox.check();
  }

  #sandbox(key: string, job: ReadJob): ReaderSandbox {
    const known = this.#open.get(key);
    // Deleted, or deleted and made again: what is open is another room.
    if (known === undefined || known.file !== fileNow(job.path)) return this.#anew(key, job);
    this.#open.delete(key);
    this.#open.set(key, known);
    return known;
  }

  #anew(key: string, job: ReadJob): ReaderSandbox {
    this.#close(key);
    const sandbox = this.#made(job);
    this.#open.set(key, sandbox);
    const [oldest] = this.#open.keys();
    if (this.#open.size > HANDLES_MAX && oldest !== undefined) this.#close(oldest);
    return sandbox;
  }

  #made({ path, sight }: ReadJob): ReaderSandbox {
    try {
      return new ReaderSandbox(path, sight, this.#settings);
    } catch (error) {
      this.#oneClosed();
      throw error;
    }
  }

  #close(key: string): void {
    const sandbox = this.#open.get(key);
    if (sandbox === undefined) return;
    this.#open.delete(key);
    sandbox.close();
    this.#oneClosed();
  }

  #oneClosed(): void {
    this.#closed += 1;
    if (this.#closed % CLOSED_MAX === 0) globalThis.gc?.();
  }
}
