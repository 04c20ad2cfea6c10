import type { Database } from '@alcove/core/sqlite/database';
import { ReplicaFlow } from '../../../packages/client/src/sync/replica-flow.ts';
import type { Position } from '../oracle/history.ts';

/** Of each database that an engine shows: where it stood, by version. */
const positions = new WeakMap<Database, Map<number, Position>>();

const asked = Object.getOwnPropertyDescriptor(ReplicaFlow.prototype, 'position');

/** An engine asks itself where it stands before it tells anybody; of what it tells the hash may be missing, and without that two lines of a history look the same. */
Object.defineProperty(ReplicaFlow.prototype, 'position', {
  ...asked,
  get(this: ReplicaFlow) {
    const position = asked?.get?.call(this) as ReplicaFlow['position']; // that getter's own type
    if (position !== null && this.database !== null) positionsOf(this.database).set(position.version, position);
    return position;
  },
});

/** By version: a database moves along one line. */
export function positionsOf(database: Database): Map<number, Position> {
  const known = positions.get(database) ?? new Map<number, Position>();
  positions.set(database, known);
  return known;
}
