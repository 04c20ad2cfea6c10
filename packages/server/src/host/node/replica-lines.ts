import { counted } from './counted.ts';
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
const behind = (versions: number, lagMs: number): string => `${counted(versions, 'version', 'versions')} and ${ms(lagMs)} behind`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** One line for a replica, and below it what is wrong with it. */
export function replicaLines(replica: ReplicaSnapshot): string[] {
  const { id, lag, reads, share, p50Ms, p99Ms, wrong, isUp, lastError, compared } = replica;
  const tried = compared.same + compared.wrong;
  const facts = [
    stateOf(replica),
    ...(lag === null || lag.ms === 0 ? [] : [behind(lag.versions, lag.ms)]),
    `${counted(reads, 'read', 'reads')}${share === null ? '' : ` (${percent(share)})`}`,
    ...(p50Ms === null || p99Ms === null ? [] : [`p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`]),
    ...errorsOf(replica),
    ...(tried + compared.unsure + compared.late === 0
      ? []
      : [
          `compared ${counted(tried, 'time', 'times')}, ${compared.wrong} wrong, ${compared.unsure} unsure${compared.late === 0 ? '' : `, ${compared.late} not in time`}`,
        ]),
  ];
  return [
    `  ${id}: ${facts.join(', ')}`,
    ...wrong.map(
      ({ room, tables, version }) =>
        `    holds other rows than the primary: ${room.name}/${room.id}${tables.length === 0 ? '' : `, ${tables.join(', ')}`} at version ${version}`,
    ),
    ...uncomparedLines(replica),
    ...(isUp === false && lastError !== null ? [`    ${lastError.code}: ${lastError.message}`] : []),
  ];
}

const total = (codes: ReplicaSnapshot['errors']): number => Object.values(codes).reduce((sum, count) => sum + count, 0);

/** Its own, and apart from them those of what it was asked. */
function errorsOf({ errors, statementErrors }: ReplicaSnapshot): string[] {
  const [own, theirs] = [total(errors), total(statementErrors)];
  return [
    ...(own === 0 ? [] : [counted(own, 'error', 'errors')]),
    ...(theirs === 0 ? [] : [`${counted(theirs, 'error', 'errors')} of statements`]),
  ];
}

const UNCOMPARED_SHOWN = 3;

function uncomparedLines({ uncompared: { count, rooms } }: ReplicaSnapshot): string[] {
  const shown = rooms.slice(0, UNCOMPARED_SHOWN);
  const left = count - shown.length;
  return [
    ...shown.map(
      ({ room, sinceMs, tries, reason }) =>
        `    not compared since ${new Date(sinceMs).toISOString()}: ${room.name}/${room.id}, ${counted(tries, 'try', 'tries')}, ${reason}`,
    ),
    ...(left > 0 ? [`    … ${left} more rooms not compared`] : []),
  ];
}

/** How a follower or mirror keeps its rooms in step: a line for all, and one for each of the worst that is not well. */
export function syncLines({ totals, rooms, omitted }: SyncReport, roomsMax: number): string[] {
  const unwell = rooms.filter(({ state, lagMs }) => state !== 'live' || lagMs > 0);
  const shown = unwell.slice(0, roomsMax);
  const left = unwell.length - shown.length;
  return [
    `    ${totals.healthy} of ${totals.rooms} rooms healthy, ${totals.available} readable, ${counted(totals.batches, 'batch', 'batches')}, ${counted(totals.rows, 'row', 'rows')}, ${counted(totals.errors, 'error', 'errors')}${totals.errors === 0 ? '' : ` (${percent(totals.errorRate)} of all tries)`}`,
    ...shown.map(roomLine),
    ...(left > 0 ? [`      … ${left}${omitted > 0 ? ' or more' : ''} others`] : []),
  ];
}

function roomLine({ room, id, state, version, lagVersions, lagMs, ageMs, error }: SyncFigures): string {
  const facts = [
    state,
    version === null ? 'nothing there yet' : `version ${version}`,
    ...(lagMs === 0 ? [] : [behind(lagVersions, lagMs)]),
    ...(ageMs === null ? [] : [`last change ${Math.round(ageMs / 1_000)} s ago`]),
    ...(error === null ? [] : [`${error.code}: ${error.message}`]),
  ];
  return `      ${room}/${id}: ${facts.join(', ')}`;
}

/** How the copy in PostgreSQL is. */
export const mirrorLines = (mirror: MirrorStatus, roomsMax: number): string[] => [
  `  mirror at ${mirror.url}: ${[mirror.state, ...(mirror.error === null ? [] : [`${mirror.error.code}: ${mirror.error.message}`]), `${counted(mirror.checks.done, 'room', 'rooms')} compared, ${mirror.checks.drifted} drifted, ${mirror.checks.repaired} made anew`].join(', ')}`,
  ...syncLines(mirror, roomsMax),
];

/** Everything that answers reads, a few lines each. */
export function fleetLines({ enabled, strategy, counts, replicaShare, replicas }: RouterSnapshot, roomsMax: number): string[] {
  const share = replicaShare === null ? '' : `, ${percent(replicaShare)} by replicas`;
  const off = enabled ? '' : ', replicas switched off';
  return [
    `${counted(counts.answered, 'read', 'reads')} on the server answered${share}, ${counts.fallbacks} fell back to the primary’s readers (${strategy}${off})`,
    ...replicas.flatMap((replica) => [...replicaLines(replica), ...(replica.sync === null ? [] : syncLines(replica.sync, roomsMax))]),
  ];
}
