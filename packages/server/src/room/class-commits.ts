import type { ChangeSet } from '@alcove/core/change/change-set';
import { EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import { toWire } from '@alcove/core/change/wire';
import { AlcoveError } from '@alcove/core/error';
import type { ReaderClass } from '../access/reader-class.ts';
import { seesAll } from '../access/reader-class.ts';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { StreamParts } from './room-parts.ts';
import type { Session } from './sessions.ts';

/** A version, or several joined to one, as sessions are told of it. */
export interface ToldVersion {
  readonly version: number;
  readonly schema: string;
  readonly hash: string;
  readonly atMs: number;
  readonly changeSet: ChangeSet;
}

/** One version as each class of readers gets it: filtered once a class, encoded once for those of a class who stand at the same version. */
export class ClassCommits {
  readonly version: number;
  readonly #parts: Pick<StreamParts, 'runtime'>;
  readonly #made: Omit<ToldVersion, 'changeSet'>;
  /** By class. */
  readonly #changes = new Map<string, ChangeSet>();
  /** By class whose rules fail over a row of the version. */
  readonly #refusals = new Map<string, AlcoveError>();
  /** By what is in them and the version before. Classes that get all of the changes share them. */
  readonly #frames = new Map<ChangeSet, Map<number, SharedFrame>>();

  constructor({ changeSet, ...made }: ToldVersion, parts: Pick<StreamParts, 'runtime' | 'readers'>, sessions: Iterable<Session>) {
    this.version = made.version;
    this.#parts = parts;
    this.#made = made;
    const classes = new Map<string, ReaderClass>();
    for (const { state, readerClass, takesRecords } of sessions) {
      if (state.phase === 'live' && !takesRecords) classes.set(readerClass.id, readerClass);
    }
    const changes = parts.readers.changesFor(changeSet, [...classes.values()]);
    /** By reason, each of which is logged once. */
    const refusals = new Map<string, AlcoveError>();
    for (const [index, id] of [...classes.keys()].entries()) {
      const own = changes[index] ?? EMPTY_CHANGE_SET;
      if (own instanceof AlcoveError) {
        const refusal = refusals.get(own.message) ?? parts.readers.refusal(own);
        refusals.set(own.message, refusal);
        this.#refusals.set(id, refusal);
      } else this.#changes.set(id, own);
    }
  }

  /** What its session ends with where its class cannot be told what it sees of the version. */
  refusalFor({ readerClass, takesRecords }: Session): AlcoveError | null {
    return takesRecords ? null : (this.#refusals.get(readerClass.id) ?? null);
  }

  /** Whether its class sees nothing of the version. Where everything is seen an empty version is told like any other. */
  isNothingFor({ readerClass }: Session): boolean {
    return !seesAll(readerClass) && this.#changesFor(readerClass).tables.length === 0;
  }

  /** `from`: where the session stands, all after which held nothing for it. */
  frameFor({ readerClass }: Session, from: number): SharedFrame {
    return this.#frame(this.#changesFor(readerClass), from);
  }

  nothingAfter(from: number): SharedFrame {
    return this.#frame(EMPTY_CHANGE_SET, from);
  }

  #changesFor({ id }: ReaderClass): ChangeSet {
    return this.#changes.get(id) ?? EMPTY_CHANGE_SET;
  }

  #frame(changeSet: ChangeSet, from: number): SharedFrame {
    const frames = this.#frames.get(changeSet) ?? new Map<number, SharedFrame>();
    this.#frames.set(changeSet, frames);
    const known = frames.get(from);
    if (known !== undefined) return known;
    const { version: to, schema, hash, atMs } = this.#made;
    const frame = new SharedFrame({ type: 'commit', from, to, schema, changes: toWire(changeSet), hash, atMs }, this.#parts.runtime);
    frames.set(from, frame);
    return frame;
  }
}
