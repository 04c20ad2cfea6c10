import type { IncomingMessage, ServerResponse } from 'node:http';
import { AlcoveError, type ErrorCode, exhaustive } from '@alcove/core/error';
import * as v from 'valibot';
import type { ReplicaOptions } from '../../read/replica-options.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { answerError, answerJson } from './http-answer.ts';
import type { ReadFleet } from './read-fleet.ts';
import { requestBody } from './request-body.ts';
import { roomAddressOf } from './room-address-of.ts';
import type { ServerMirror } from './server-mirror.ts';

const BODY_BYTES_MAX = 64 * 1024;

const replica = v.strictObject({
  url: v.string(),
  id: v.optional(v.string()),
  region: v.optional(v.string()),
  weight: v.optional(v.number()),
  tier: v.optional(v.number()),
  purposes: v.optional(v.array(v.string())),
  pool: v.optional(v.number()),
});

/** As `trip/japan-2027`. */
const room = v.pipe(
  v.string(),
  v.transform(roomAddressOf),
  v.nonNullable(
    v.custom<RoomAddress | null>(() => true),
    'a room is NAME/ID, as in trip/japan-2027',
  ),
);

/** What may be ordered about replicas while the server runs. */
const order = v.variant('do', [
  /** A replica is asked with the follower token and told what users read: whoever adds one has to have that token as well. */
  v.strictObject({ do: v.literal('add'), replica, followerToken: v.string() }),
  v.strictObject({ do: v.literal('remove'), id: v.string() }),
  v.strictObject({ do: v.literal('drain'), id: v.string() }),
  v.strictObject({ do: v.literal('enable'), id: v.string() }),
  v.strictObject({ do: v.literal('disable'), id: v.string() }),
  v.strictObject({ do: v.literal('weigh'), id: v.string(), weight: v.number() }),
  v.strictObject({ do: v.literal('check'), id: v.optional(v.string()), room: v.optional(room) }),
  v.strictObject({ do: v.literal('resync'), room, id: v.optional(v.string()) }),
]);

const ORDERED_WRONG: ReadonlySet<ErrorCode> = new Set([
  'option_invalid',
  'bad_message',
  'message_too_large',
  'room_unknown',
  'room_id_invalid',
]);

/** Whom orders are given to. */
export interface Ordered {
  readonly fleet: ReadFleet;
  readonly mirror: ServerMirror;
  /** @throws AlcoveError `room_unknown`: of a room that is not there nobody could say that a replica holds it rightly. */
  find(room: RoomAddress): void;
}

/** The mirror's name in orders. */
const MIRROR = 'mirror';

/** Does what a POST of `/replicas` says and answers how the replicas are then; an order that makes no sense is 400 and changes nothing. */
export async function obeyReplicaOrder(ordered: Ordered, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await obey(ordered, orderOf(await requestBody(request, BODY_BYTES_MAX)));
    answerJson(response, 200, ordered.fleet.snapshot);
  } catch (cause) {
    const error = AlcoveError.from(cause);
    answerError(response, error.code === 'forbidden' ? 403 : ORDERED_WRONG.has(error.code) ? 400 : error.retryable ? 503 : 500, error);
  }
}

async function obey({ fleet, mirror, find }: Ordered, given: v.InferOutput<typeof order>): Promise<void> {
  const { router } = fleet;
  if ('room' in given && given.room !== undefined) find(given.room);
  switch (given.do) {
    case 'add':
      // Fields that are not given are not there: the schema leaves them out.
      return fleet.add(given.replica as ReplicaOptions, given.followerToken);
    case 'remove':
      if (fleet.snapshot.replicas.some(({ id, isPrimary }) => isPrimary && id === given.id))
        throw new AlcoveError('option_invalid', `${given.id} are the server's own readers: they can be disabled, not removed`);
      return router.remove(given.id);
    case 'drain':
      return router.drain(given.id);
    case 'enable':
    case 'disable':
      return router.enable(given.id, given.do === 'enable');
    case 'weigh':
      return router.weigh(given.id, given.weight);
    case 'check':
      return check({ fleet, mirror }, given.id, given.room);
    case 'resync':
      return resync({ fleet, mirror }, given.room, given.id);
    default:
      return exhaustive(given);
  }
}

type Holders = Pick<Ordered, 'fleet' | 'mirror'>;

/** What the mirror holds is compared room by room; without one its PostgreSQL is looked at, as every replica is. */
async function check({ fleet, mirror }: Holders, id: string | undefined, room: RoomAddress | undefined): Promise<void> {
  if (id === MIRROR && room !== undefined) await mirror.check(room.name, room.id);
  else await fleet.router.check(id, room);
}

/** Of everybody who holds rooms of their own, or of one. */
async function resync({ fleet, mirror }: Holders, room: RoomAddress, id: string | undefined): Promise<void> {
  const hasMirror = mirror.status() !== null;
  if (id === MIRROR || (id === undefined && hasMirror)) await mirror.resync(room.name, room.id);
  if (id === MIRROR) return;
  // Whoever is named has to do it; where nobody is, the mirror alone will do.
  if (id !== undefined || !hasMirror || fleet.router.holdsRooms()) await fleet.router.resync(room, id);
}

function orderOf(text: string): v.InferOutput<typeof order> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AlcoveError('bad_message', 'the body is not JSON');
  }
  const result = v.safeParse(order, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new AlcoveError('bad_message', `the order ${v.getDotPath(issue) ?? ''}: ${issue.message.slice(0, 300)}`, {
    hint: 'Say what to `do`: add (replica, followerToken), remove, drain, enable, disable, weigh (weight), each with the id of the replica; check (id, room); or resync (room, id).',
  });
}
