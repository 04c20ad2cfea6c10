import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { Readers } from '../access/readers.ts';
import type { RowRules } from '../access/row-rules.ts';
import { ChangeLog } from '../change-log/change-log.ts';
import { fileKind } from '../change-log/log-tables.ts';
import type { RoomMeta } from '../change-log/room-meta.ts';
import { MetaTable } from '../change-log/room-meta.ts';
import { DebouncedValues } from '../ephemeral/debounced-values.ts';
import type { KeyedBuckets } from '../limits/keyed-buckets.ts';
import { LimitMeter } from '../limits/limit-meter.ts';
import { WorkMeter } from '../limits/work-meter.ts';
import { ClientRows } from './client-rows.ts';
import { Gate } from './gate.ts';
import { adoptRoomFile, adoptTables, beginNewHistory, createRoom } from './room-file.ts';
import { migrateRoom, olderSchemas } from './room-migration.ts';
import type { RoomOptions } from './room-options.ts';
import { resolveRoomOptions, ROOM_LIMIT_NAMES } from './room-options.ts';
import type { RoomHead, RoomPorts } from './room-ports.ts';
import { Room } from './room.ts';

export interface OpenRoomRequest {
  readonly room: AnyRoom;
  readonly id: string;
  /** The room's file and nobody else's; foreign keys and recursive triggers on. The caller closes it, also where opening fails. */
  readonly database: Database;
  readonly runtime: Runtime;
  readonly ports: RoomPorts;
  readonly options?: RoomOptions;
  /** Counts for the process what this room's limits meet. */
  readonly meter?: LimitMeter;
  /** Counts for the process what this room does. */
  readonly work?: WorkMeter;
  /** Mutations a second of each user in all rooms of the process. */
  readonly userRates?: KeyedBuckets;
  /** The definition's, where it has rules; whoever made it closes it after all its rooms. */
  readonly rules?: RowRules;
}

/**
 * Opens a room, or creates it in an empty database. Creating, adopting a copied file, following a changed definition: each is one transaction.
 *
 * @throws AlcoveError `file_foreign` (somebody's tables, another definition's room, a later format), `file_damaged` (the end of the log is not what its
 *   hashes say), `history_lost` (the file is not, or not all of, what the head stored outside says, and no option accepts it), `schema_mismatch`,
 *   `migration_failed`, `option_invalid`, and what the database throws, `room_full` among it where the room has values: each start of such a room is counted in
 *   its file. The file is then as it was.
 */
export function openRoom(request: OpenRoomRequest): Room {
  const { room: definition, id, database, runtime, ports } = request;
  const options = resolveRoomOptions(request.options);
  const meta = new MetaTable(database);
  prepareFile(request, meta, options.adoptFile, options.seed);
  if (!isHeadKept(database, runtime, meta.read(), ports.headStored())) acceptLostTail(request, meta, options.acceptLostTail);
  new ChangeLog(database, runtime, meta.read()).verifyTail(options.limits.openVerifyVersionsMax);
  migrateRoom(database, runtime, definition, meta, id, options.limits.keptHashEveryVersions);
  installCapture(database, definition.model);
  const capture = new Capture(database, definition.model);
  capture.start();
  const facts = countBoot(meta, meta.read(), definition);
  const log = new ChangeLog(database, runtime, facts);
  const work = new WorkMeter(request.work ?? null);
  const parts = {
    definition,
    id,
    historyId: facts.historyId,
    boot: runtime.newId(),
    readers: new Readers(definition, request.rules ?? null, runtime, facts.secret),
    database,
    runtime,
    ports,
    limits: options.limits,
    meter: new LimitMeter(ROOM_LIMIT_NAMES, request.meter ?? null),
    work,
    userRates: request.userRates ?? null,
    meta,
    log,
    clients: new ClientRows(database),
    capture,
    values: new DebouncedValues(database, runtime, definition.values, facts.boots, options.limits, work),
    gate: new Gate(log.head.version),
  };
  ports.storeHead({ historyId: facts.historyId, ...log.head });
  return new Room(parts, olderSchemas(database, definition.model));
}

function prepareFile(request: OpenRoomRequest, meta: MetaTable, adoptFile: boolean, seed: Parameters<typeof createRoom>[4]): void {
  const { room, id, database, runtime } = request;
  const kind = fileKind(database);
  switch (kind) {
    case 'empty':
      return createRoom(database, runtime, room, meta, seed);
    case 'tables':
      if (adoptFile) return adoptTables(database, runtime, room, meta);
      throw new AlcoveError('file_foreign', `the file of room ${id} holds tables and is no room`);
    case 'room':
      checkOwner(meta.read(), room);
      if (adoptFile) adoptRoomFile(database, runtime, meta);
  }
}

function checkOwner({ roomName }: RoomMeta, definition: AnyRoom): void {
  if (roomName === definition.name) return;
  throw new AlcoveError('file_foreign', `the file is a room of definition ${roomName}, not of ${definition.name}`);
}

/** Whether the file holds all of the history that was known outside it. */
function isHeadKept(database: Database, runtime: Runtime, facts: RoomMeta, stored: RoomHead | null): boolean {
  if (stored === null) return true;
  const log = new ChangeLog(database, runtime, facts);
  if (stored.historyId !== facts.historyId || stored.version > log.head.version) return false;
  const hash = log.hashAt(stored.version);
  return hash === null || hash === stored.hash;
}

function acceptLostTail({ database, runtime, ports, id }: OpenRoomRequest, meta: MetaTable, accepted: boolean): void {
  const facts = meta.read();
  const { head } = new ChangeLog(database, runtime, facts);
  const stored = ports.headStored();
  const what = `the file of room ${id} ends at version ${head.version} of history ${facts.historyId}; recorded is version ${stored?.version} of history ${stored?.historyId}`;
  if (!accepted) throw new AlcoveError('history_lost', what);
  beginNewHistory(database, runtime, meta, head.version);
  runtime.log.error(`a lost tail was accepted, the room goes on under a new history: ${what}`, {
    room: id,
    historyId: meta.read().historyId,
  });
}

/** Seqs of values depend on it, so it is counted durably before the first is given; rooms without values need not write anything to open. */
function countBoot(meta: MetaTable, facts: RoomMeta, definition: AnyRoom): RoomMeta {
  if (Object.keys(definition.values).length === 0) return facts;
  meta.write({ boots: facts.boots + 1 });
  return { ...facts, boots: facts.boots + 1 };
}
