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

/** What it takes to tell sessions of a room's rows, whoever writes the room. */
export interface StreamParts {
  readonly definition: AnyRoom;
  readonly id: string;
  readonly historyId: string;
  readonly readers: Readers;
  readonly database: Database;
  readonly runtime: Runtime;
  readonly ports: Pick<RoomPorts, 'send' | 'bufferedBytes' | 'offerImage'>;
  readonly limits: RoomLimits;
  /** How often this room's limits were met. */
  readonly meter: LimitMeter;
  readonly log: ChangeLog;
  readonly gate: Gate;
}

/** What the steps of an open room share. */
export interface RoomParts extends StreamParts {
  /** New with every start of the room. */
  readonly boot: string;
  readonly ports: RoomPorts;
  /** What it has done. */
  readonly work: WorkMeter;
  /** Budgets of users in all rooms of the process; null: the room is on its own. */
  readonly userRates: KeyedBuckets | null;
  readonly meta: MetaTable;
  readonly clients: ClientRows;
  readonly capture: Capture;
  readonly values: DebouncedValues;
}
