import type { Database } from '@alcove/core/sqlite/database';
import type { EngineNotice } from '../../../packages/client/src/sync/engine-interface.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import { WrappedDatabase } from '../room/wrapped-database.ts';
import { SEES_ALL } from '../room/rule-sets.ts';
import type { Sight } from '../room/rule-sets.ts';
import type { Position } from '../oracle/history.ts';
import type { Findings } from '../world/findings.ts';
import { positionsOf } from './shown-positions.ts';

/** The databases that one engine has open, and for whom each was made, as the room named it. */
export class EngineDatabases {
  readonly #name: string;
  readonly #sights: SightWatch;
  readonly #findings: Findings;
  readonly #open = new Set<Database>();
  /** Null: that is not known. */
  readonly #views = new WeakMap<Database, string | null>();
  /** For whom the next snapshot is. */
  #announced: string | null = null;

  constructor({ name, sights, findings }: { readonly name: string; readonly sights: SightWatch; readonly findings: Findings }) {
    this.#name = name;
    this.#sights = sights;
    this.#findings = findings;
  }

  /** The room names a view, of a snapshot or of what it goes on from. */
  announced(view: string): void {
    this.#announced = view;
  }

  opened(database: Database, image: Uint8Array | null): Database {
    const open = this.#open;
    class Tracked extends WrappedDatabase {
      override close(): void {
        open.delete(this);
        this.inner.close();
      }
    }
    const tracked = new Tracked(database);
    open.add(tracked);
    this.#views.set(tracked, (image === null ? undefined : this.#sights.viewsOfImages.get(image)) ?? this.#announced);
    return tracked;
  }

  /** What is shown, where nothing is on its way to take its place; else null. */
  get only(): Database | null {
    const [database, ...others] = this.#open;
    return database === undefined || others.length > 0 ? null : database;
  }

  /** Where the engine stood at that version, as it shows it; null: it shows nothing of it. */
  positionAt(historyId: string | null, version: number | null): Position | null {
    if (version === null) return null;
    const found = [...this.#open].map((database) => positionsOf(database).get(version));
    return found.findLast((position) => position?.historyId === historyId) ?? null;
  }

  /** Where these leave what the page knows to be shown; null: they say nothing of it. */
  positionIn(notices: readonly EngineNotice[]): Position | null {
    const status = notices.findLast((notice) => notice.type === 'status')?.status;
    return status === undefined ? null : this.positionAt(status.historyId, status.version);
  }

  close(): void {
    for (const database of [...this.#open]) database.close();
  }

  sightOf(database: Database): Sight {
    const view = this.#views.get(database) ?? null;
    const sight = view === null ? undefined : this.#sights.of(view);
    this.#findings.check(sight !== undefined, 'I30', () => `${this.#name} shows a replica of view ${view}, which the room never named`);
    return sight ?? SEES_ALL;
  }
}
