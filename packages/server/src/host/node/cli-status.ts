import { AdminClient, SERVER_HELP, SERVER_OPTIONS } from './admin-client.ts';
import { type CliCommand, readArguments } from './cli-command.ts';
import { counted } from './counted.ts';
import type { FollowerFigures } from './follower-status.ts';
import { fleetLines, mirrorLines, syncLines } from './replica-lines.ts';
import type { ProcessFigures, ServerStatus } from './server-status.ts';

export const statusCommand: CliCommand = {
  summary: 'tell what a running server or follower does',
  help: `alcove status [options]

${SERVER_HELP}
  --json         everything, as JSON

The server needs an admin token as well: the option admin.token, or ALCOVE_ADMIN_TOKEN where it runs. A follower also takes its
follower token (ALCOVE_FOLLOWER_TOKEN of the environment).
`,
  async run(args, output) {
    const { values } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } }, []);
    const text = await new AdminClient(values, ['ALCOVE_ADMIN_TOKEN', 'ALCOVE_FOLLOWER_TOKEN']).get('/status');
    const status = JSON.parse(text) as ServerStatus | FollowerFigures; // our own server's word
    const lines = 'role' in status ? followerLines(status) : serverLines(status);
    output.out(values.json === true ? `${text}\n` : `${lines.join('\n')}\n`);
  },
};

const ROOMS_SHOWN = 20;
/** Of rooms that a follower or mirror does not keep in step well. */
const UNWELL_SHOWN = 5;

function serverLines({ status, process, metrics, rooms, reads, mirror }: ServerStatus): string[] {
  const { work, ephemeral } = metrics;
  return [
    `${status}, up ${Math.round(metrics.uptimeMs / 1_000)} s, ${processFacts(process)}`,
    `${counted(metrics.connections, 'connection', 'connections')}, ${sessionsText(metrics.sessions, metrics.sessionsRelayed)}, ${linksText(metrics.followerLinks)}${counted(metrics.openRooms, 'open room', 'open rooms')}`,
    ...rooms.slice(0, ROOMS_SHOWN).map(roomLine),
    ...(metrics.openRooms > ROOMS_SHOWN ? [`  … ${metrics.openRooms - ROOMS_SHOWN} more`] : []),
    `${counted(work.commits, 'commit', 'commits')} of ${counted(work.mutations, 'mutation', 'mutations')}`,
    `${ephemeral.presence} present, ${ephemeral.cursors} cursors, ${ephemeral.keys} other states, ${Math.ceil(ephemeral.bytes / 1e3)} KB; ${work.stateSets} sets, ${work.stateEvictions} evicted, ${work.stateExpiries} expired`,
    `debounced values: ${work.valueUpdates} updates, ${work.valueWrites} rows written, ${ephemeral.unwrittenValues} unwritten`,
    ...fleetLines(reads, UNWELL_SHOWN),
    ...(mirror === null ? [] : mirrorLines(mirror, UNWELL_SHOWN)),
    limitsLine(metrics.limitsMet),
  ];
}

function followerLines({ status, process, from, lag, sync, readers, limitsMet }: FollowerFigures): string[] {
  return [
    `follower of ${from}: ${status}, ${processFacts(process)}`,
    lag.ms === 0 ? 'level with its primary' : `${counted(lag.versions, 'version', 'versions')} and ${lag.ms} ms behind its primary`,
    ...syncLines(sync, ROOMS_SHOWN),
    `${counted(readers.running, 'reader process', 'reader processes')}, ${readers.busy} busy, ${readers.waiting} reads wait`,
    limitsLine(limitsMet),
  ];
}

const processFacts = ({ node, residentBytes, cpuMs }: ProcessFigures): string =>
  `Node ${node.replace(/^v/, '')}, ${Math.round(residentBytes / 1e6)} MB, ${Math.round(cpuMs / 1_000)} s of CPU`;

function limitsLine(limitsMet: Readonly<Record<string, number>>): string {
  const met = Object.entries(limitsMet);
  return met.length === 0 ? 'no limit was met' : `limits met: ${met.map(([name, count]) => `${name} ${count}`).join(', ')}`;
}

const sessionsText = (sessions: number, relayed: number): string =>
  `${counted(sessions, 'session', 'sessions')}${relayed === 0 ? '' : ` (${relayed} at followers)`}`;

/** Each follower once for every room that it follows. */
const linksText = (links: number): string => (links === 0 ? '' : `${counted(links, 'follower link', 'follower links')}, `);

function roomLine(figures: ServerStatus['rooms'][number]): string {
  const { room, id, version, sessions, sessionsRelayed, followers, behind, hydrating, queuedMutations, logBytes } = figures;
  return `  ${room}/${id}: version ${version}, ${sessionsText(sessions, sessionsRelayed)}, ${linksText(followers)}${behind + hydrating} catching up, ${queuedMutations} mutations wait, log ${Math.ceil(logBytes / 1e3)} KB`;
}
