import { AlcoveError } from '@alcove/core/error';
import type { ReadAnswer } from '../../read/replica.ts';
import type { ReadJob, ReaderSettings } from './reader-job.ts';
import { fileNow, ReaderSandbox } from './reader-sandbox.ts';

/** Handles a process keeps open, each with at most 2 MB of pages; the longest unused is closed first. Opening one takes about a millisecond. */
const HANDLES_MAX = 16;

/** The handles of a reader process, one for each room's file and class of readers. */
export class ReaderHandles {
  readonly #settings: ReaderSettings;
  readonly #open = new Map<string, ReaderSandbox>();

  constructor(settings: ReaderSettings) {
    this.#settings = settings;
  }

  /** @throws AlcoveError as `Replica.read` says, and `rule_failed`. */
  read(job: ReadJob): ReadAnswer {
    const key = `${job.path}\n${job.sight.key}`;
    // A schema that changes again between the two is one that is being changed.
    const answer = this.#sandbox(key, job).read(job) ?? this.#anew(key, job).read(job);
    if (answer === null) throw new AlcoveError('replica_unavailable', 'the room’s schema is being changed');
    return answer;
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
    const sandbox = new ReaderSandbox(job.path, job.sight, this.#settings);
    this.#open.set(key, sandbox);
    const [oldest] = this.#open.keys();
    if (this.#open.size > HANDLES_MAX && oldest !== undefined) this.#close(oldest);
    return sandbox;
  }

  #close(key: string): void {
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }
}
