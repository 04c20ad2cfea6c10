import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ReplicaLag } from '../read/replica.ts';

/** How far a copy is behind its primary, as far as that was heard of. */
export class LinkLag {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  readonly #startedMs: number;
  #primaryVersion = 0;
  /** When it last held all that the primary was known to have. */
  #levelMs: number | null = null;

  constructor(runtime: Pick<Runtime, 'monotonicMs'>) {
    this.#runtime = runtime;
    this.#startedMs = runtime.monotonicMs();
  }

  /** 0: not heard of yet. */
  get primaryVersion(): number {
    return this.#primaryVersion;
  }

  /** It was level once, and its copy was not given up since. */
  get hasBeenLevel(): boolean {
    return this.#levelMs !== null;
  }

  /** The primary has let it in: perhaps with a history in which versions are lower. */
  welcomed(version: number): void {
    this.#primaryVersion = version;
  }

  primaryAt(version: number): void {
    this.#primaryVersion = Math.max(this.#primaryVersion, version);
  }

  /** The copy has come to a version. @returns whether it is level with the primary now */
  reached(version: number): boolean {
    if (version < this.#primaryVersion) return false;
    this.#levelMs = this.#runtime.monotonicMs();
    return true;
  }

  /** The copy is none any more. */
  lost(): void {
    this.#levelMs = null;
  }

  /** @param isFollowing Versions come as the primary makes them; else it may have made some that nobody told of. */
  of(version: number, isFollowing: boolean): ReplicaLag {
    const versions = Math.max(0, this.#primaryVersion - version);
    if (isFollowing && versions === 0 && this.#levelMs !== null) return { versions, ms: 0 };
    return { versions, ms: Math.ceil(this.#runtime.monotonicMs() - (this.#levelMs ?? this.#startedMs)) };
  }
}
