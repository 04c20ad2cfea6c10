import type { Capture } from '@alcove/core/change/capture';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { Readers } from '../access/readers.ts';
import type { ChangeLog } from '../change-log/change-log.ts';
import type { MetaTable } from '../change-log/room-meta.ts';
import type { DebouncedValues } from '../ephemeral/debounced-values.ts';
import type { KeyedBuckets } from '../limits/keyed-buckets.ts';
import type { LimitMeter } from '../limits/limit-meter.ts';
import type { WorkMeter } from '../limits/work-meter.ts';
import type { ClientRows } from './client-rows.ts';
import type { Gate } from './gate.ts';
import type { RoomLimits } from './room-options.ts';
import type { RoomPorts } from './room-ports.ts';

/** What the steps of an open room share. */
export interface RoomParts {
  readonly definition: AnyRoom;
  readonly id: string;
  readonly historyId: string;
  /** New with every start of the room. */
  readonly boot: string;
  readonly readers: Readers;
  readonly database: Database;
  readonly runtime: Runtime;
  readonly ports: RoomPorts;
  readonly limits: RoomLimits;
  /** How often this room's limits were met. */
  readonly meter: LimitMeter;
  /** What it has done. */
  readonly work: WorkMeter;
  /** Budgets of users in all rooms of the process; null: the room is on its own. */
  readonly userRates: KeyedBuckets | null;
  readonly meta: MetaTable;
  readonly log: ChangeLog;
  readonly clients: ClientRows;
  readonly capture: Capture;
  readonly values: DebouncedValues;
  readonly gate: Gate;
}
