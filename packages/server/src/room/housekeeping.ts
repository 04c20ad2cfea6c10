import { AlcoveError } from '@alcove/core/error';
import { pruneLog } from '../change-log/prune.ts';
import type { Admission } from './admission.ts';
import type { Retention } from './client-rows.ts';
import { slackMs } from './client-rows.ts';
import type { Connections, RoomStep } from './connections.ts';
import type { RoomParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import type { Session } from './sessions.ts';
import { spokenFor } from './sessions.ts';
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

interface Spoken {
  readonly clientId: string;
  readonly groupId: string;
}

/** A client of a group; others may name the same id and have no say in what becomes of it. */
const spokenKey = ({ clientId, groupId }: Spoken): string => `${groupId} ${clientId}`;

/** What a room does now and then so that nothing in its file grows without bound. */
export class Housekeeping {
  readonly #around: HousekeepingSurroundings;
  /** Clients that left since they were written down last, and the wall time of it. Only such as are stored: a hello may name any number of others. */
  readonly #left = new Map<string, Spoken & { readonly atMs: number }>();

  constructor(around: HousekeepingSurroundings) {
    this.#around = around;
  }

  start(): void {
    const { parts, schedule } = this.#around;
    schedule.want('housekeeping', parts.runtime.monotonicMs() + parts.limits.housekeepingIntervalMs);
  }

  /** All that the session spoke for was here until now. */
  left(session: Session): void {
    const { runtime, clients } = this.#around.parts;
    const atMs = runtime.nowMs();
    this.#orComplain(() => {
      for (const spoken of spokenFor(session)) {
        if (clients.get(spoken.clientId)?.groupId === spoken.groupId) this.#left.set(spokenKey(spoken), { ...spoken, atMs });
      }
    });
  }

  /** The room is about to end: whoever is in it, or left it, was here until now. */
  writeLeft(): void {
    for (const session of this.#around.connections.sessions) this.left(session);
    this.#orComplain(() => this.#touch());
  }

  run(): void {
    const { parts, schedule } = this.#around;
    let more = false;
    const goesOn = this.#orComplain(() => {
      this.#touch();
      more = this.#prune();
      this.#forget();
    });
    if (goesOn) schedule.want('housekeeping', parts.runtime.monotonicMs() + (more ? AGAIN_MS : parts.limits.housekeepingIntervalMs));
  }

  /** @returns whether the room goes on. With a full disk everything stays as it is until the next turn. */
  #orComplain(step: () => void): boolean {
    const { parts, fail } = this.#around;
    try {
      step();
    } catch (cause) {
      const error = AlcoveError.from(cause, 'room_failed');
      if (failureKind(error) === 'fail') {
        fail(error);
        return false;
      }
      parts.runtime.log.error('housekeeping of a room was not possible', { room: parts.id, code: error.code, message: error.message });
    }
    return true;
  }

  /** Those that left are dated to the moment; those that are here, and will be dated when they leave, to within the slack. */
  #touch(): void {
    const { parts, connections } = this.#around;
    const nowMs = parts.runtime.nowMs();
    const here = [...connections.sessions].flatMap(spokenFor);
    if (here.length + this.#left.size === 0) return;
    parts.database.transaction(() => {
      for (const { atMs, ...left } of this.#left.values()) parts.clients.touch(left, atMs, 0);
      for (const spoken of here) parts.clients.touch(spoken, nowMs, slackMs(this.#clientRetention));
    });
    this.#left.clear();
  }

  get #clientRetention(): Retention {
    const { clientsMax, clientRetentionMs } = this.#around.parts.limits;
    return { rowsMax: clientsMax, ageMsMax: clientRetentionMs };
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
      keepAbove: Math.min(connections.feeds.rows.oldest, parts.gate.durable),
    };
    return pruneLog(parts.database, parts.log, parts.meta, bounds, parts.runtime.nowMs());
  }

  #forget(): void {
    const { parts, connections, admission } = this.#around;
    const { runtime, clients, limits, id } = parts;
    // Whoever a session speaks for is here, an adopted client too; and what waits was admitted as of one that is known.
    const live = new Set([...admission.owners(), ...parts.values.owners(), ...[...connections.sessions].flatMap(spokenFor)].map(spokenKey));
    const { count, forgottenVersion } = clients.forget(
      this.#clientRetention,
      runtime.nowMs(),
      (row) => live.has(spokenKey(row)),
      parts.meta,
    );
    if (count > 0) runtime.log.info('clients were forgotten', { room: id, count, forgottenVersion });
    const waiting = admission.keyClientIds();
    const keyRetention = { rowsMax: limits.idempotencyKeysMax, ageMsMax: limits.idempotencyKeyRetentionMs };
    const keys = clients.forgetKeys(keyRetention, runtime.nowMs(), (clientId) => waiting.has(clientId));
    if (keys > 0) runtime.log.info('idempotency keys were forgotten', { room: id, count: keys });
  }
}
