import type { MutationResult } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { ToldVersion } from '../room/class-commits.ts';
import type { Session } from '../room/sessions.ts';
import type { SettledBy, Settling } from '../room/settling.ts';

/** Results that the primary has told of sessions here, each until its session is told of the version it names: results first, then the commit. */
export class HeldResults implements Settling<ToldVersion> {
  readonly #runtime: Runtime;
  /** By connection, in the order in which they came. */
  readonly #held = new Map<string, readonly MutationResult[]>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** @returns how many are held for it now. */
  add(connectionId: string, results: readonly MutationResult[]): number {
    const held = [...(this.#held.get(connectionId) ?? []), ...results];
    this.#held.set(connectionId, held);
    return held.length;
  }

  forget(connectionId: string): void {
    this.#held.delete(connectionId);
  }

  at(session: Session, version: number): readonly MutationResult[] {
    return (this.#held.get(session.connectionId) ?? []).filter((result) => result.version <= version);
  }

  within(session: Session, { to }: { readonly to: number }): readonly MutationResult[] {
    return this.at(session, to);
  }

  made({ version }: ToldVersion): SettledBy {
    return {
      groups: [],
      of: (session) => {
        const results = this.at(session, version);
        return results.length === 0 ? undefined : new SharedFrame({ type: 'results', results: [...results] }, this.#runtime);
      },
    };
  }

  told({ connectionId }: Session, version: number): void {
    const held = this.#held.get(connectionId);
    if (held === undefined) return;
    const left = held.filter((result) => result.version > version);
    if (left.length === 0) this.#held.delete(connectionId);
    else this.#held.set(connectionId, left);
  }
}
