import type { RouterSnapshot } from '../../read/router-snapshot.ts';
import { AdminClient, SERVER_HELP, SERVER_OPTIONS } from './admin-client.ts';
import { type CliCommand, readAnyArguments, readArguments, readRoom, UsageError } from './cli-command.ts';
import { fleetLines } from './replica-lines.ts';

const OPTIONS = {
  ...SERVER_OPTIONS,
  json: { type: 'boolean' },
  id: { type: 'string' },
  region: { type: 'string' },
  weight: { type: 'string' },
  tier: { type: 'string' },
  purposes: { type: 'string' },
  pool: { type: 'string' },
  room: { type: 'string' },
} as const;

type Values = ReturnType<typeof readAnyArguments<typeof OPTIONS>>['values'];

const UNWELL_SHOWN = 20;

export const replicasCommand: CliCommand = {
  summary: 'tell who answers a server’s reads, and give orders about them',
  help: `alcove replicas [ORDER …] [options]

  alcove replicas                         who answers reads, and how well
  alcove replicas add URL                 a follower; --id --region --weight --tier --purposes a,b --pool say what createServer's option says
  alcove replicas remove ID               it takes nothing new, ends what it has, and is forgotten
  alcove replicas drain ID                it takes nothing new until it is enabled
  alcove replicas disable ID · enable ID
  alcove replicas weigh ID WEIGHT         its part of the reads; 0 is none
  alcove replicas check [ID]              looks now, and compares what it holds with the primary; --room NAME/ID compares that room
  alcove replicas resync [ID] --room NAME/ID   it throws its copy of the room away and takes it anew

${SERVER_HELP}
  --json         the answer as JSON

Whoever adds a follower has to have its token as well: ALCOVE_FOLLOWER_TOKEN in the environment.
`,
  async run(args, output) {
    const { values, given } = readAnyArguments(args, OPTIONS);
    const order = orderOf(given, values);
    const client = new AdminClient(values);
    const text = order === null ? await client.get('/replicas') : await client.post('/replicas', order);
    const fleet = JSON.parse(text) as RouterSnapshot; // our own server's word
    output.out(values.json === true ? `${text}\n` : `${fleetLines(fleet, UNWELL_SHOWN).join('\n')}\n`);
  },
};

export const resyncCommand: CliCommand = {
  summary: 'have replicas take a room anew',
  help: `alcove resync NAME/ID [options]

  NAME/ID         the room, as in trip/japan-2027

  --replica ID    that replica alone (default: all that hold rooms of their own)
${SERVER_HELP}
  --json          the answer as JSON

Each throws its copy of the room away, takes a fresh one and is compared with the primary. Its reads go elsewhere meanwhile.
`,
  async run(args, output) {
    const options = { ...SERVER_OPTIONS, json: { type: 'boolean' }, replica: { type: 'string' } } as const;
    const { values, given } = readArguments(args, options, ['NAME/ID']);
    const [room = ''] = given;
    readRoom(room);
    const id = values.replica;
    const text = await new AdminClient(values).post('/replicas', { do: 'resync', room, ...(id === undefined ? {} : { id }) });
    const fleet = JSON.parse(text) as RouterSnapshot; // our own server's word
    output.out(values.json === true ? `${text}\n` : `${fleetLines(fleet, UNWELL_SHOWN).join('\n')}\n`);
  },
};

/** What to POST; null: nothing is ordered. @throws UsageError */
function orderOf([order, ...rest]: readonly string[], values: Values): object | null {
  const [id, weight] = rest;
  const takes = (least: number, most: number): void => {
    if (rest.length < least || rest.length > most)
      throw new UsageError(`${order} takes ${least === most ? least : `${least} or ${most}`} arguments, and got ${rest.length}`);
  };
  const room = values.room === undefined ? {} : { room: values.room };
  if (values.room !== undefined) readRoom(values.room);
  const maybeId = id === undefined ? {} : { id };
  switch (order) {
    case undefined:
      return null;
    case 'add':
      takes(1, 1);
      return { do: 'add', replica: replicaOf(id ?? '', values), followerToken: followerToken() };
    case 'remove':
    case 'drain':
    case 'enable':
    case 'disable':
      takes(1, 1);
      return { do: order, id };
    case 'weigh':
      takes(2, 2);
      return { do: 'weigh', id, weight: numberOf('WEIGHT', weight ?? '') };
    case 'check':
      takes(0, 1);
      return { do: 'check', ...maybeId, ...room };
    case 'resync':
      takes(0, 1);
      if (values.room === undefined) throw new UsageError('resync wants --room NAME/ID');
      return { do: 'resync', ...maybeId, ...room };
    default:
      throw new UsageError(`there is no order ${JSON.stringify(order)}`);
  }
}

function replicaOf(url: string, { id, region, weight, tier, purposes, pool }: Values): object {
  return {
    url,
    ...(id === undefined ? {} : { id }),
    ...(region === undefined ? {} : { region }),
    ...(weight === undefined ? {} : { weight: numberOf('--weight', weight) }),
    ...(tier === undefined ? {} : { tier: numberOf('--tier', tier) }),
    ...(purposes === undefined ? {} : { purposes: purposes.split(',') }),
    ...(pool === undefined ? {} : { pool: numberOf('--pool', pool) }),
  };
}

function numberOf(what: string, text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`${what} takes a number, and got ${JSON.stringify(text)}`);
}

function followerToken(): string {
  const token = process.env['ALCOVE_FOLLOWER_TOKEN'];
  if (token !== undefined && token !== '') return token;
  throw new UsageError('add wants the follower token: ALCOVE_FOLLOWER_TOKEN in the environment');
}
