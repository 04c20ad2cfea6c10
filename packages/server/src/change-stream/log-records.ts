import { assert } from '@alcove/core/error';
import type { LogRecord } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { encodeAcks } from '../change-log/ack.ts';
import type { ChangeLog, LogEntry } from '../change-log/change-log.ts';
import { SharedFrame } from './shared-frame.ts';

export interface RecordBounds {
  readonly catchUpVersionsMax: number;
  readonly catchUpBytesMax: number;
}

/** A stretch of the log as followers get it. */
export interface RecordRange {
  readonly to: number;
  readonly frame: SharedFrame;
}

/** The versions after `from`, up to `head`, within bounds; at least one. `from` must be within the log and below `head`. */
export function recordRange(log: ChangeLog, from: number, head: number, bounds: RecordBounds, runtime: Runtime): RecordRange {
  const entries = log.read(from, head, { versionsMax: bounds.catchUpVersionsMax, bytesMax: bounds.catchUpBytesMax });
  const last = entries.at(-1);
  assert(last !== undefined && entries[0]?.version === from + 1, `version ${from + 1} is in the log`);
  return { to: last.version, frame: new SharedFrame({ type: 'records', records: entries.map(recordOf) }, runtime) };
}

const recordOf = ({ version, schema, atMs, hash, acks, record }: LogEntry): LogRecord => ({
  version,
  schema,
  atMs,
  hash,
  acks: encodeAcks(acks),
  record,
});
