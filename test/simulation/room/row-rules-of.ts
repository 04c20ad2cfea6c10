import { RowRules } from '../../../packages/server/src/access/row-rules.ts';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import type { OpenRoomRequest } from '../../../packages/server/src/room/open-room.ts';
import type { Build } from '../world/builds.ts';

const known = new Map<Build, RowRules>();

/** What the room asks its rules in; one for all rooms of a definition, and for all runs: nothing stays in it. */
export function rulesOf(build: Build): Pick<OpenRoomRequest, 'rules'> {
  if (build.room.tableRules.length === 0) return {};
  const rules = known.get(build) ?? new RowRules(build.room, openDatabase(':memory:'));
  known.set(build, rules);
  return { rules };
}
