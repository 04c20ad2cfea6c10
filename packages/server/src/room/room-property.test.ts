import { describe, expect, it } from 'vitest';
import type { MutationResult, ServerMessage } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, RecordingPorts } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { PlainReplica, rowsOf } from '../../../../test/fake/plain-replica.ts';
import { Prng } from '../../../../test/fake/prng.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';

const LIMITS = {
  catchUpVersionsMax: 4,
  snapshotChunkRowsMax: 5,
  snapshotRunsMax: 2,
  changeLogVersionsMax: 12,
  housekeepingIntervalMs: 500,
  subscriberBacklogBytesMax: 5_000,
  subscriberBacklogBytesHard: 50_000,
  commitMutationsMax: 3,
  sessionQueuedMutationsMax: 6,
};

interface Minted {
  readonly name: string;
  readonly args: object;
  /** The row it makes where it is applied. */
  readonly row: string;
}

/** A client that does what docs/PROTOCOL.md asks for, and no more. */
class TestClient {
  readonly clientId: string;
  readonly minted: Minted[] = [];
  readonly fates = new Map<number, MutationResult>();
  /** Results told twice or more must agree on whether there was an effect. */
  readonly contradictions: string[] = [];
  replica = new PlainReplica();
  historyId: string | null = null;
  view = '';
  welcomed: number | null = null;
  connection: string | null = null;
  isWhole = false;
  next = 1;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get confirmed(): number {
    let confirmed = 0;
    while (this.#isSettled(confirmed + 1)) confirmed += 1;
    return confirmed;
  }

  #isSettled(mutationId: number): boolean {
    const fate = this.fates.get(mutationId);
    return fate !== undefined && fate.version <= this.replica.version;
  }

  hello(): object {
    const { clientId, confirmed, welcomed } = this;
    const resume =
      this.isWhole && this.historyId !== null
        ? { historyId: this.historyId, version: this.replica.version, hash: this.replica.hash, view: this.view }
        : null;
    return { clientId, resume, snapshots: ['rows'], clients: [{ clientId, lastMutationId: this.minted.length, confirmed, welcomed }] };
  }

  take(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (message.type === 'welcome') this.#welcome(message);
      else if (message.type === 'rehydrate') this.isWhole = false;
      else if (message.type === 'snapshotEnd') this.isWhole = true;
      else if (message.type === 'results') for (const result of message.results) this.#result(result);
      else if (message.type === 'refused') this.next = message.expected;
      if (message.type.startsWith('snapshot') || this.isWhole) this.replica.take([message]);
    }
  }

  #welcome(message: ServerMessage & { type: 'welcome' }): void {
    this.historyId = message.historyId;
    this.view = message.view;
    this.welcomed ??= message.version;
    if (message.hydration !== 'resume') this.isWhole = false;
    const own = message.clients.find(({ clientId }) => clientId === this.clientId);
    if (own?.state === 'unknown') this.contradictions.push('the room forgot the client');
    this.next = this.confirmed + 1;
  }

  #result(result: MutationResult): void {
    if (result.clientId !== this.clientId) return;
    const from = result.status === 'duplicate' ? this.confirmed + 1 : result.mutationId;
    for (let id = from; id <= result.mutationId; id++) {
      const known = this.fates.get(id);
      const fate: MutationResult = { ...result, mutationId: id };
      if (known === undefined) this.fates.set(id, fate);
      else if ((known.status === 'rejected') !== (fate.status === 'rejected') && result.status !== 'duplicate')
        this.contradictions.push(`${id}: ${known.status} then ${fate.status}`);
    }
  }
}

/** One run of many clients against one room that restarts, stalls and forgets its log. */
class Run {
  readonly prng: Prng;
  readonly database: Database = openDatabase(':memory:');
  readonly runtime = new FakeRuntime();
  readonly clients = ['a', 'b', 'c', 'd'].map((id) => new TestClient(id));
  ports = new RecordingPorts();
  driven: DrivenRoom;
  connections = 0;

  constructor(seed: number) {
    this.prng = new Prng(`room ${seed}`);
    this.driven = this.open();
  }

  open(): DrivenRoom {
    const head = this.ports.head;
    this.ports = new RecordingPorts();
    this.ports.head = head;
    return new DrivenRoom({
      room: tripRoom,
      database: this.database,
      runtime: this.runtime,
      ports: this.ports,
      options: { limits: LIMITS },
      autoDurable: this.prng.chance(0.5),
    });
  }

  join(client: TestClient): void {
    this.connections += 1;
    client.connection = `k${this.connections}`;
    client.take(this.driven.join(client.connection, client.hello()));
  }

  read(client: TestClient): void {
    if (client.connection === null) return;
    client.take(this.driven.take(client.connection));
    if (this.ports.disconnected.has(client.connection)) client.connection = null;
  }

  mint(client: TestClient): void {
    const id = `${client.clientId}${client.minted.length + 1}`;
    const clash = this.prng.chance(0.25);
    client.minted.push(
      clash
        ? { name: 'addStop', args: { id: 'taken', city: id }, row: `taken by ${id}` }
        : { name: 'addStop', args: { id, city: id }, row: id },
    );
  }

  push(client: TestClient): void {
    if (client.connection === null) return;
    const last = Math.min(client.minted.length, client.next + this.prng.int(0, 4));
    for (let id = client.next; id <= last; id++) {
      const minted = client.minted[id - 1];
      if (minted !== undefined && !this.prng.chance(0.05))
        this.driven.queue(client.connection, id, minted.name, minted.args, client.clientId);
    }
    client.next = this.prng.chance(0.8) ? last + 1 : client.next;
  }

  act(): void {
    const client = this.prng.pick(this.clients);
    const { connection } = client;
    const act = this.prng.int(0, 20);
    if (act < 4) this.mint(client);
    else if (act < 8) this.push(client);
    else if (act < 11) this.driven.flush();
    else if (act < 13) this.driven.room.durable(this.prng.int(this.driven.room.stats.durable, this.driven.room.stats.version));
    else if (act === 13) this.read(client);
    else if (act === 14 && connection === null) this.join(client);
    else if (act === 15 && connection !== null) this.leave(client, connection);
    else if (act === 16 && connection !== null) this.ports.buffered.set(connection, this.prng.pick([0, 4_000, 9_000]));
    else if (act === 17) this.driven.advance(this.prng.int(0, 300));
    else if (act === 18 && connection !== null)
      this.driven.say(connection, { type: 'heard', clientId: client.clientId, upTo: client.confirmed });
    else if (act === 19 && connection !== null && this.prng.chance(0.2))
      this.driven.room.receive(connection, '{"type":"hydrate","snapshots":["rows"]}');
    else if (act === 20 && this.prng.chance(0.15)) this.crash();
  }

  /** What was on the way arrives in part. */
  leave(client: TestClient, connection: string): void {
    const messages = this.driven.take(connection);
    client.take(messages.slice(0, this.prng.int(0, messages.length)));
    this.driven.room.leave(connection);
    client.connection = null;
  }

  /** The process ends after its last COMMIT, told or not, and starts again. */
  crash(): void {
    for (const client of this.clients) if (client.connection !== null) this.leave(client, client.connection);
    this.driven = this.open();
  }

  /** Nothing fails any more: everybody comes back, sends what is pending and reads. */
  heal(): void {
    this.driven.autoDurable = true;
    for (let round = 0; round < 60; round++) {
      for (const client of this.clients) {
        if (client.connection === null) this.join(client);
        if (client.connection !== null) this.ports.buffered.set(client.connection, 0);
        client.next = Math.max(client.next, client.confirmed + 1);
        if (round % 10 === 9) client.next = client.confirmed + 1;
        this.push(client);
        this.driven.flush();
        this.driven.advance(100);
        this.read(client);
      }
    }
  }
}

describe('a room under many clients', () => {
  it('[RM-4][RM-5][CS-1][CS-6][CS-12] takes every mutation once, tells its fate, and brings every replica to its state', () => {
    // 54 once had a rejection hidden by a later duplicate.
    for (const seed of [54, ...Array.from({ length: 30 }, (_, index) => index)]) {
      const run = new Run(seed);
      for (let step = 0; step < 400; step++) run.act();
      run.heal();
      const truth = rowsOf(run.database);
      const rows = run.database
        .prepare('SELECT id, city FROM stops')
        .all()
        .map(([id, city]) => (id === 'taken' ? `taken by ${String(city)}` : String(id)));
      for (const client of run.clients) {
        const what = `seed ${seed}, client ${client.clientId}`;
        expect(client.contradictions, what).toEqual([]);
        expect(client.confirmed, what).toBe(client.minted.length);
        expect(client.replica.rows(), what).toEqual(truth);
        const applied = client.minted.filter(({ row }) => rows.includes(row)).map(({ row }) => row);
        const told = client.minted.filter((_, index) => client.fates.get(index + 1)?.status !== 'rejected').map(({ row }) => row);
        expect(told, what).toEqual(applied);
      }
      expect(new Set(rows).size).toBe(rows.length);
      run.database.close();
    }
  });
});
