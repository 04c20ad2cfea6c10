import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Runtime } from '@alcove/core/runtime/runtime';

/** Since when the primary has not had a room whose file is still here: on the disk, beside that file, so that it is known after a restart as well. */
export class GoneMark {
  readonly #path: string;
  readonly #runtime: Pick<Runtime, 'nowMs'>;
  /** Wall time. */
  #sinceMs: number | null;

  constructor(path: string, runtime: Pick<Runtime, 'nowMs'>) {
    this.#path = path;
    this.#runtime = runtime;
    this.#sinceMs = sinceIn(path);
  }

  get isSet(): boolean {
    return this.#sinceMs !== null;
  }

  /** Keeps the time of the first call. @throws Error of the file system: without a mark the time begins again with the next start */
  set(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#runtime.nowMs();
    writeFileSync(this.#path, `${this.#sinceMs}\n`);
  }

  clear(): void {
    if (this.#sinceMs === null) return;
    this.#sinceMs = null;
    rmSync(this.#path, { force: true });
  }

  isOlderThan(ms: number): boolean {
    return this.#sinceMs !== null && this.#runtime.nowMs() - this.#sinceMs >= ms;
  }
}

function sinceIn(path: string): number | null {
  try {
    const sinceMs = Number(readFileSync(path, 'utf8'));
    return Number.isFinite(sinceMs) && sinceMs > 0 ? sinceMs : null;
  } catch {
    return null; // there is none, or none that can be read: its time begins again
  }
}
