import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database, Row } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { applyRowsUpdate } from '../../packages/client/src/page/apply-rows-update.ts';
import { LiveQueries, type QueryNews } from '../../packages/client/src/query/live-queries.ts';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { tasksRoom } from './tasks-room.ts';

const sqlJs = await initSqlJs();

export const QUERY_LIMITS = { liveQueriesMax: 100, resultRowsMax: 1_000 };

export const TASKS_SEED = [
  `INSERT INTO lists (id, name) VALUES ('l1', 'one'), ('l2', 'two'), ('l3', 'three')`,
  `INSERT INTO tasks (id, list_id, title, done, rank, weight, note) VALUES
   ('t1', 'l1', 'Alpha', 0, 1, 0.5, NULL), ('t2', 'l1', 'beta', 1, 2, 1, 'x'), ('t3', 'l2', 'Gamma', 0, 1, NULL, NULL), ('t4', 'l2', 'delta', 0, 2, 2.5, 'y')`,
  `INSERT INTO tags (task_id, tag) VALUES ('t1', 'red'), ('t1', 'blue'), ('t3', 'red')`,
  `INSERT INTO steps (id, task_id, label) VALUES (1, 't1', 'first'), (2, 't1', 'second'), (3, 't4', 'only')`,
];

/** A replica's database without a replica: changes come from SQL. */
export class QueryBench {
  readonly database: Database = openSqljsDatabase(sqlJs);
  readonly queries = new LiveQueries(tasksRoom.model, QUERY_LIMITS);
  readonly pages = new Map<string, readonly Row[]>();
  readonly #capture: Capture;
  runs = 0;

  constructor(seedSql: readonly string[] = TASKS_SEED) {
    for (const sql of roomDdl(tasksRoom.model, { serverOnly: false })) this.database.exec(sql);
    installCapture(this.database, tasksRoom.model);
    for (const sql of seedSql) this.database.exec(sql);
    this.#capture = new Capture(this.database, tasksRoom.model);
    this.#capture.start();
    this.queries.attach(this.database);
  }

  watch(queryId: string, sql: string, params: Row = []): void {
    this.queries.watch(queryId, sql, params);
    this.settle();
  }

  /** Changes rows, and answers with the ids that had news. */
  change(sql: string, params: Row = []): string[] {
    const changes = this.database.transaction(() => {
      this.database.prepare(sql).run(params);
      return this.#capture.take();
    });
    this.queries.invalidate(changes);
    this.runs = this.queries.due().size;
    return this.settle().map((news) => news.queryId);
  }

  settle(): QueryNews[] {
    while (this.queries.hasDue) this.queries.runNext();
    const news = this.queries.takeNews();
    for (const { queryId, update } of news) {
      if (update !== null)
        this.pages.set(
          queryId,
          applyRowsUpdate(this.pages.get(queryId) ?? [], update, (rows) => rows),
        );
    }
    return news;
  }

  again(sql: string, params: Row = []): Row[] {
    return this.database.prepare(sql).all(params);
  }
}
