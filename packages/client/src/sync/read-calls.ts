import type { EngineQuery, QueryRows, SyncEngine } from './engine-interface.ts';
import { closedError } from './engine-status.ts';
import { KeptCalls } from './kept-calls.ts';
import type { QueryFlow } from './query-flow.ts';
import type { EngineRead, ServerRows } from './server-read.ts';
import type { ServerReads } from './server-reads.ts';

/** The part of an engine that passes reads on, of this tab's replica and of the server. */
export abstract class ReadCalls
  extends KeptCalls
  implements Pick<SyncEngine, 'watch' | 'unwatch' | 'runOnce' | 'serverRead' | 'endServerRead'>
{
  protected abstract readonly queries: QueryFlow;
  protected abstract readonly reads: ServerReads;
  /** There is something for the next turn. */
  protected abstract wake(): void;

  watch(queryId: string, query: EngineQuery): void {
    this.assertOpen();
    this.queries.watch(queryId, query);
    this.wake();
  }

  unwatch(queryId: string): void {
    if (!this.isClosed) this.queries.unwatch(queryId);
  }

  runOnce(query: EngineQuery): Promise<QueryRows> {
    if (this.isClosed) return Promise.reject(closedError());
    const rows = this.queries.readOnce(query);
    this.wake();
    return rows;
  }

  serverRead(call: number, read: EngineRead): Promise<ServerRows> {
    return this.isClosed ? Promise.reject(closedError()) : this.reads.read(call, read);
  }

  endServerRead(call: number): void {
    if (!this.isClosed) this.reads.end(call);
  }
}
