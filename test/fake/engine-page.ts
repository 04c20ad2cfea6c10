import type { Json } from '@alcove/core/json';
import type { Row } from '@alcove/core/sqlite/database';
import { applyRowsUpdate } from '../../packages/client/src/page/apply-rows-update.ts';
import type { EngineNotice, EngineStatus, QueryNotice, SyncEngine } from '../../packages/client/src/sync/engine-interface.ts';
import type { FakeRuntime } from './fake-runtime.ts';

interface Watched {
  rows: readonly Row[];
  status: QueryNotice['status'];
  revision: number;
  error: QueryNotice['error'];
}

/** Members of the union that may have this type; one member may have several. */
type NoticeOf<Type extends EngineNotice['type'], Notice = EngineNotice> = Notice extends { readonly type: infer Own }
  ? Type extends Own
    ? Notice
    : never
  : never;

/** The least page there is on top of an engine: mints mutations, keeps rows by patches, and remembers what it was told. */
export class EnginePage {
  readonly clientId: string;
  readonly notices: EngineNotice[] = [];
  /** Notices by batch. */
  readonly batches: (readonly EngineNotice[])[] = [];
  readonly queries = new Map<string, Watched>();
  readonly #runtime: FakeRuntime;
  #engine: SyncEngine | null = null;
  #client: { id: string; last: number };

  constructor(runtime: FakeRuntime, clientId: string) {
    this.#runtime = runtime;
    this.clientId = clientId;
    this.#client = { id: clientId, last: 0 };
  }

  attach(engine: SyncEngine): void {
    this.#engine = engine;
  }

  get engine(): SyncEngine {
    if (this.#engine === null) throw new TypeError('no engine');
    return this.#engine;
  }

  get status(): EngineStatus {
    return this.engine.status();
  }

  take(notices: readonly EngineNotice[]): void {
    this.batches.push(notices);
    for (const notice of notices) {
      this.notices.push(notice);
      if (notice.type === 'query') this.#query(notice);
      if (notice.type === 'settled') this.#engine?.heard(notice.clientId, notice.mutationId);
      if (notice.type === 'rekeyed' && notice.clientId === this.#client.id)
        this.#client = { id: notice.to, last: this.#client.last - notice.offset };
    }
  }

  #query({ queryId, update, status, revision, error }: QueryNotice): void {
    const before = this.queries.get(queryId);
    const rows = update === null ? (before?.rows ?? []) : applyRowsUpdate(before?.rows ?? [], update, (fresh) => fresh);
    if (update?.kind === 'patch' && revision !== (before?.revision ?? 0) + 1)
      throw new TypeError(`patch ${revision} follows ${before?.revision}`);
    this.queries.set(queryId, { rows, status, revision, error });
  }

  watch(queryId: string, sql: string, params: Row = []): void {
    this.engine.watch(queryId, { sql, params });
  }

  rows(queryId: string): readonly Row[] {
    return this.queries.get(queryId)?.rows ?? [];
  }

  mutate(name: string, args: Json): number {
    const mutationId = this.#client.last + 1;
    this.engine.mutate({ clientId: this.#client.id, mutationId, name, args, seed: this.#runtime.newId(), nowMs: this.#runtime.nowMs() });
    this.#client.last = mutationId;
    return mutationId;
  }

  of<Type extends EngineNotice['type']>(type: Type): NoticeOf<Type>[] {
    return this.notices.filter((notice): notice is NoticeOf<Type> => notice.type === type);
  }

  /** `id:outcome` or `id:code`, in the order they were told. */
  get settled(): string[] {
    return this.of('settled').map(({ mutationId, outcome, error }) => `${mutationId}:${error?.code ?? outcome}`);
  }
}
