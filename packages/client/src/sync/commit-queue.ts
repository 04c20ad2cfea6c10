import type { CommitMessage } from '@alcove/core/protocol/server-message';

/** What to do about a commit that came in. */
export type Admitted = 'queued' | 'known' | 'gap' | 'fork';

/** `onto`: the hash at `from`, where it was heard. */
export interface HeardCommit extends CommitMessage {
  readonly onto?: string;
}

/** Rows that one turn applies at most, more than one commit's apart: a long catch-up yields between turns. */
const ROWS_A_TURN = 2_000;

/** Commits as they arrive, in order and without gaps, until the replica takes them. */
export class CommitQueue {
  #commits: HeardCommit[] = [];
  /** Up to where the stream was heard, with the hash there; null: no stream is followed. */
  #heard: { readonly version: number; readonly hash: string } | null = null;

  /** The stream goes on from here; what was queued for another beginning is void. */
  begin(position: { readonly version: number; readonly hash: string }): void {
    this.#commits = [];
    this.#heard = { version: position.version, hash: position.hash };
  }

  /** No stream is followed any more. */
  end(): void {
    this.#commits = [];
    this.#heard = null;
  }

  get isOpen(): boolean {
    return this.#heard !== null;
  }

  get isEmpty(): boolean {
    return this.#commits.length === 0;
  }

  /** A commit counts where its range (from, to] reaches over what was heard. Before the stream begins nothing does. */
  admit(commit: CommitMessage): Admitted {
    const heard = this.#heard;
    if (heard === null) return 'known';
    if (commit.to === heard.version && commit.hash !== heard.hash) return 'fork';
    if (commit.to <= heard.version) return 'known';
    if (commit.from > heard.version) return 'gap';
    this.#commits.push(commit.from === heard.version ? { ...commit, onto: heard.hash } : commit);
    this.#heard = { version: commit.to, hash: commit.hash };
    return 'queued';
  }

  /** As many as one turn takes, one at least where there are any. */
  take(): HeardCommit[] {
    let rows = 0;
    let count = 0;
    for (const { changes } of this.#commits) {
      rows += changes.reduce((sum, { puts, deletes }) => sum + (puts[0]?.length ?? 0) + (deletes[0]?.length ?? 0), 0);
      if (count > 0 && rows > ROWS_A_TURN) break;
      count += 1;
    }
    return this.#commits.splice(0, count);
  }
}
