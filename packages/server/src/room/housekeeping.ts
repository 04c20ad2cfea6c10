import { AlcoveError } from '@alcove/core/error';
import { pruneLog } from '../change-log/prune.ts';
import type { Admission } from './admission.ts';
import type { Connections, RoomStep } from './connections.ts';
import type { RoomParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import { failureKind } from './work.ts';

export interface HousekeepingSurroundings {
  readonly parts: RoomParts;
  readonly connections: Connections;
  readonly admission: Admission;
  readonly schedule: Schedule<RoomStep>;
  fail(error: AlcoveError): void;
}

/** Soon, where one turn did not do all of it. */
const AGAIN_MS = 50;

/** What a room does now and then so that nothing in its file grows without bound. */
export class Housekeeping {
  readonly #around: HousekeepingSurroundings;
  /** Clients that left since the last turn, and the wall time of it. */
  readonly #left = new Map<string, number>();

  constructor(around: HousekeepingSurroundings) {
    this.#around = around;
  }

  start(): void {
    const { parts, schedule } = this.#around;
    schedule.want('housekeeping', parts.runtime.monotonicMs() + parts.limits.housekeepingIntervalMs);
  }

  /** These clients were here until now. */
  left(clientIds: Iterable<string>): void {
    for (const clientId of clientIds) this.#left.set(clientId, this.#around.parts.runtime.nowMs());
  }

  run(): void {
    const { parts, schedule, fail } = this.#around;
    let more = false;
    try {
      this.#touch();
      more = this.#prune();
      this.#forget();
    } catch (cause) {
      const error = AlcoveError.from(cause, 'room_failed');
      if (failureKind(error) === 'fail') return fail(error);
      // A full disk: everything stays as it is until the next turn.
      parts.runtime.log.error('housekeeping of a room was not possible', { room: parts.id, code: error.code, message: error.message });
    }
    schedule.want('housekeeping', parts.runtime.monotonicMs() + (more ? AGAIN_MS : parts.limits.housekeepingIntervalMs));
  }

  #touch(): void {
    const { parts, connections } = this.#around;
    const nowMs = parts.runtime.nowMs();
    const seen = new Map(this.#left);
    for (const { clients } of connections.sessions) for (const clientId of clients.keys()) seen.set(clientId, nowMs);
    if (seen.size === 0) return;
    parts.database.transaction(() => {
      for (const [clientId, atMs] of seen) parts.clients.touch(clientId, atMs, parts.limits);
    });
    this.#left.clear();
  }

  #prune(): boolean {
    const { parts, connections } = this.#around;
    const { limits } = parts;
    const bounds = {
      versionsMax: limits.changeLogVersionsMax,
      bytesMax: limits.changeLogBytesMax,
      ageMsMax: limits.changeLogAgeMsMax,
      keptHashEvery: limits.keptHashEveryVersions,
      // What is not durable may be lost yet; whoever comes then stands at the durable head.
      keepAbove: Math.min(connections.rows.oldest, parts.gate.durable),
    };
    return pruneLog(parts.database, parts.log, parts.meta, bounds, parts.runtime.nowMs());
  }

  #forget(): void {
    const { parts, connections, admission } = this.#around;
    // Whoever a session speaks for is here, an adopted client too; and what waits was admitted as of one that is known.
    const live = admission.clientIds();
    for (const { clients } of connections.sessions) for (const clientId of clients.keys()) live.add(clientId);
    const { count, forgottenVersion } = parts.clients.forget(
      parts.limits,
      parts.runtime.nowMs(),
      (clientId) => live.has(clientId),
      parts.meta,
    );
    if (count > 0) parts.runtime.log.info('clients were forgotten', { room: parts.id, count, forgottenVersion });
  }
}
