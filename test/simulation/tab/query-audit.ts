import type { Database, Row } from '@alcove/core/sqlite/database';
import { applyRowsUpdate } from '../../../packages/client/src/page/apply-rows-update.ts';
import type { EngineQuery, QueryNotice } from '../../../packages/client/src/sync/engine-interface.ts';
import { rowText } from '../oracle/dump.ts';
import type { Findings } from '../world/findings.ts';

/** A live query as its engine told it. */
export interface Watched {
  readonly query: EngineQuery;
  status: QueryNotice['status'];
  revision: number;
  rows: readonly Row[] | null;
}

/** The live queries of one engine, from outside: updates come one after the other, and in the end they show what SQL says. */
export class QueryAudit {
  readonly #parts: { readonly findings: Findings; readonly name: string };
  readonly #watched = new Map<string, Watched>();
  compared = 0;

  constructor(parts: { readonly findings: Findings; readonly name: string }) {
    this.#parts = parts;
  }

  watched(queryId: string, query: EngineQuery): void {
    this.#watched.set(queryId, { query, status: 'pending', revision: 0, rows: null });
  }

  unwatched(queryId: string): void {
    this.#watched.delete(queryId);
  }

  told({ queryId, status, revision, update, error }: QueryNotice): Watched | null {
    const watched = this.#watched.get(queryId);
    const { findings, name } = this.#parts;
    if (watched === undefined) return null;
    watched.status = status;
    findings.check(error === null, 'query', () => `${name}: ${watched.query.sql}: ${error?.message ?? ''}`);
    const expected = watched.revision + (update === null ? 0 : 1);
    findings.check(
      revision === expected,
      'query',
      () => `${name}: ${watched.query.sql} came with revision ${revision}, ${expected} was due`,
    );
    watched.revision = revision;
    if (update !== null) watched.rows = applyRowsUpdate(watched.rows ?? [], update, (rows) => rows);
    return watched;
  }

  /** Where nothing is under way. */
  compare(database: Database): void {
    for (const { query, status, rows } of this.#watched.values()) {
      if (status === 'pending' || status === 'error' || rows === null) continue;
      const right = database.prepare(query.sql).all(query.params).map(rowText);
      const shown = rows.map(rowText);
      this.compared += 1;
      const same = right.length === shown.length && right.every((row, index) => row === shown[index]);
      this.#parts.findings.check(
        same,
        'query',
        () =>
          `${this.#parts.name}: ${query.sql} ${JSON.stringify(query.params)} shows ${shown.slice(0, 8).join(' ')} and SQL says ${right.slice(0, 8).join(' ')}`,
      );
    }
  }
}
