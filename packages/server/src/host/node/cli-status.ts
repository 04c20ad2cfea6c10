import { AlcoveError } from '@alcove/core/error';
import { type CliCommand, readArguments, UsageError } from './cli-command.ts';
import type { ServerStatus } from './server-status.ts';

const URL_DEFAULT = 'http://localhost:8787/sync';
const TIMEOUT_MS = 10_000;

export const statusCommand: CliCommand = {
  summary: 'tell what a running server does',
  help: `alcove status [options]

  --url URL      the server with its path (default: ${URL_DEFAULT})
  --token TOKEN  its admin token (default: ALCOVE_ADMIN_TOKEN of the environment, which other users of the machine cannot see)
  --json         everything, as JSON

The server needs an admin token as well: the option admin.token, or ALCOVE_ADMIN_TOKEN where it runs.
`,
  async run(args, output) {
    const { values } = readArguments(args, { url: { type: 'string' }, token: { type: 'string' }, json: { type: 'boolean' } }, []);
    const token = values.token ?? process.env['ALCOVE_ADMIN_TOKEN'];
    if (token === undefined || token === '') throw new UsageError('give --token, or ALCOVE_ADMIN_TOKEN in the environment');
    const status = await fetchStatus(values.url ?? URL_DEFAULT, token);
    output.out(values.json === true ? `${JSON.stringify(status)}\n` : linesOf(status));
  },
};

async function fetchStatus(url: string, token: string): Promise<ServerStatus> {
  const address = `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/status`;
  let response: Response;
  try {
    response = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new AlcoveError('connection_lost', `no server answers at ${address}`, { hint: 'Give its address with --url.', cause });
  }
  if (response.status === 401)
    throw new AlcoveError('unauthenticated', `the server at ${address} does not take this token`, {
      hint: 'Give the token that the server was started with.',
    });
  if (!response.ok)
    throw new AlcoveError('bad_message', `${address} answered ${response.status}`, {
      hint: 'Give the path of the sockets with --url, and start the server with an admin token.',
    });
  return (await response.json()) as ServerStatus; // our own server's word
}

function linesOf({ status, process: { node, residentBytes, cpuMs }, metrics, rooms, reads }: ServerStatus): string {
  const met = Object.entries(metrics.limitsMet);
  const lines = [
    `${status}, up ${Math.round(metrics.uptimeMs / 1_000)} s, Node ${node.replace(/^v/, '')}, ${Math.round(residentBytes / 1e6)} MB, ${Math.round(cpuMs / 1_000)} s of CPU`,
    `${metrics.connections} connections, ${metrics.sessions} sessions, ${metrics.openRooms} open rooms`,
    ...rooms.slice(0, ROOMS_SHOWN).map(roomLine),
    ...(metrics.openRooms > ROOMS_SHOWN ? [`  … ${metrics.openRooms - ROOMS_SHOWN} more`] : []),
    `${reads.counts.answered} reads on the server answered`,
    ...reads.replicas.map(replicaLine),
    met.length === 0 ? 'no limit was met' : `limits met: ${met.map(([name, count]) => `${name} ${count}`).join(', ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

const ROOMS_SHOWN = 20;

function replicaLine({ id, enabled, draining, isUp, lag, reads, p99Ms }: ServerStatus['reads']['replicas'][number]): string {
  const state = !enabled ? 'off' : draining ? 'draining' : isUp === null ? 'not looked at yet' : isUp ? 'up' : 'down';
  const behind = lag === null || lag.ms === 0 ? '' : `, ${lag.versions} versions and ${lag.ms} ms behind`;
  return `  ${id}: ${state}${behind}, ${reads} reads${p99Ms === null ? '' : `, p99 ${Math.round(p99Ms)} ms`}`;
}

const roomLine = ({ room, id, version, sessions, behind, hydrating, queuedMutations, logBytes }: ServerStatus['rooms'][number]): string =>
  `  ${room}/${id}: version ${version}, ${sessions} sessions, ${behind + hydrating} catching up, ${queuedMutations} mutations wait, log ${Math.ceil(logBytes / 1e3)} KB`;
