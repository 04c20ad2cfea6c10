import type { MirrorStatus } from './mirror-process.ts';
import type { ReplicaSnapshot, RouterSnapshot } from '../../read/router-snapshot.ts';
import type { SyncFigures, SyncReport } from '../../read/sync-figures.ts';

/** What to do about a replica comes first: the first of these that is so. */
function stateOf({ enabled, draining, wrong, isUp, breakers, pace }: ReplicaSnapshot): string {
  if (!enabled) return 'off';
  if (draining) return 'draining';
  if (wrong.length > 0) return 'WRONG';
  if (isUp === null) return 'not looked at yet';
  if (!isUp) return 'down';
  const open = Object.entries(breakers).flatMap(([name, state]) => (state === 'closed' ? [] : [`breaker of ${name} ${state}`]));
  const slow = pace === 'closed' ? [] : [`slow (${pace})`];
  return ['up', ...open, ...slow].join(', ');
}

const ms = (value: number): string => `${Math.round(value)} ms`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** One line for a replica, and below it what is wrong with it. */
export function replicaLines(replica: ReplicaSnapshot): string[] {
  const { id, lag, reads, share, p50Ms, p99Ms, wrong, isUp, lastError, compared } = replica;
  const facts = [
    stateOf(replica),
    ...(lag === null || lag.ms === 0 ? [] : [`${lag.versions} versions and ${lag.ms} ms behind`]),
    `${reads} reads${share === null ? '' : ` (${percent(share)})`}`,
    ...(p50Ms === null || p99Ms === null ? [] : [`p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`]),
    ...(compared.same + compared.wrong + compared.unsure === 0
      ? []
      : [`compared ${compared.same + compared.wrong} times, ${compared.wrong} wrong, ${compared.unsure} unsure`]),
  ];
  return [
    `  ${id}: ${facts.join(', ')}`,
    ...wrong.map(
      ({ room, tables, version }) =>
        `    holds other rows than the primary: ${room.name}/${room.id}${tables.length === 0 ? '' : `, ${tables.join(', ')}`} at version ${version}`,
    ),
    ...(isUp === false && lastError !== null ? [`    ${lastError.code}: ${lastError.message}`] : []),
  ];
}

/** How a follower or mirror keeps its rooms in step: a line for all, and one for each of the worst that is not well. */
export function syncLines({ totals, rooms, omitted }: SyncReport, roomsMax: number): string[] {
  const unwell = rooms.filter(({ state, lagMs }) => state !== 'live' || lagMs > 0);
  const shown = unwell.slice(0, roomsMax);
  const left = unwell.length - shown.length;
  return [
    `    ${totals.healthy} of ${totals.rooms} rooms healthy, ${totals.available} readable, ${totals.batches} batches, ${totals.rows} rows, ${totals.errors} errors${totals.errors === 0 ? '' : ` (${percent(totals.errorRate)} of all tries)`}`,
    ...shown.map(roomLine),
    ...(left > 0 ? [`      … ${left}${omitted > 0 ? ' or more' : ''} others`] : []),
  ];
}

function roomLine({ room, id, state, version, lagVersions, lagMs, ageMs, error }: SyncFigures): string {
  const facts = [
    state,
    version === null ? 'nothing there yet' : `version ${version}`,
    ...(lagMs === 0 ? [] : [`${lagVersions} versions and ${ms(lagMs)} behind`]),
    ...(ageMs === null ? [] : [`last change ${Math.round(ageMs / 1_000)} s ago`]),
    ...(error === null ? [] : [`${error.code}: ${error.message}`]),
  ];
  return `      ${room}/${id}: ${facts.join(', ')}`;
}

/** How the copy in PostgreSQL is. */
export const mirrorLines = (mirror: MirrorStatus, roomsMax: number): string[] => [
  `  mirror at ${mirror.url}: ${[mirror.state, ...(mirror.error === null ? [] : [`${mirror.error.code}: ${mirror.error.message}`]), `${mirror.checks.done} rooms compared, ${mirror.checks.drifted} drifted, ${mirror.checks.repaired} made anew`].join(', ')}`,
  ...syncLines(mirror, roomsMax),
];

/** Everything that answers reads, a few lines each. */
export function fleetLines({ enabled, strategy, counts, replicaShare, replicas }: RouterSnapshot, roomsMax: number): string[] {
  const share = replicaShare === null ? '' : `, ${percent(replicaShare)} by replicas`;
  const off = enabled ? '' : ', replicas switched off';
  return [
    `${counts.answered} reads on the server answered${share}, ${counts.fallbacks} fell back to the primary’s readers (${strategy}${off})`,
    ...replicas.flatMap((replica) => [...replicaLines(replica), ...(replica.sync === null ? [] : syncLines(replica.sync, roomsMax))]),
  ];
}
