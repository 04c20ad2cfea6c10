import type { Replica } from '../replica/replica.ts';
import type { HeardCommit } from './commit-queue.ts';

/** A replica that is caught up before it takes the place of the one that is shown. */
export class NextReplica {
  readonly replica: Replica;
  /** Applied to it since its snapshot. */
  readonly commits: HeardCommit[] = [];
  /** It was kept on this device, and the room has not said that it may be gone on from. */
  isUnheard: boolean;
  #fromVersion: number;

  /** `fromVersion`: not shown below it, since the tab has shown it already. */
  constructor(replica: Replica, fromVersion: number, isUnheard: boolean) {
    this.replica = replica;
    this.isUnheard = isUnheard;
    this.#fromVersion = fromVersion;
  }

  set fromVersion(version: number) {
    this.#fromVersion = version;
  }

  /** @throws what applying them throws; it is of no use then */
  catchUp(commits: readonly HeardCommit[]): void {
    if (commits.length > 0) this.replica.rebase(commits, () => false);
    this.commits.push(...commits);
  }

  get isNewEnough(): boolean {
    return this.replica.position.version >= this.#fromVersion;
  }
}
