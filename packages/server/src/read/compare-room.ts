import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, roomKey } from './answered-rooms.ts';
import type { EndSignal, Replica } from './replica.ts';
import { DIGEST_TIMEOUT_MS, differingTables, type RoomDigest } from './room-digest.ts';
import { RoomGone, RoomUnavailable } from './room-unavailable.ts';
import { runBounded, SILENCE } from './run-bounded.ts';

type Side = 'theirs' | 'ours';

/** Digests of one room that are asked for, step by step, until two are of one version. */
const IN_TURN: readonly (readonly Side[])[] = [['theirs'], ['ours'], ['theirs'], ['ours'], ['theirs'], ['ours'], ['theirs'], ['ours']];
/** Of a room that is read for long: what begins at one time is likely to be of one version. */
const AT_ONCE: readonly (readonly Side[])[] = [['theirs', 'ours'], ['ours'], ['theirs'], ['ours']];
/** Above what a replica itself gives one, its way there and its wait for a process. */
const BEYOND_MS = 25_000;

/** What a replica holds and the primary does not, at one version. */
export interface WrongRoom {
  readonly room: AnsweredRoom;
  /** Empty: it tells a version that the primary has not reached. */
  readonly tables: readonly string[];
  readonly version: number;
}

/**
 * `same` · `wrong` · `late`: a digest was not done in time · `unsure`: no two digests were of one version, or there was none · `gone`: the primary has no such room. `rows` is what had to be read
 * for it, on both sides.
 */
export type RoomOutcome = { readonly rows: number } & (
  | { readonly kind: 'same' | 'gone' }
  | { readonly kind: 'unsure' | 'late'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly found: WrongRoom }
);

/** By room, what the primary held at a version: it holds that for ever, so a room that is not written is read once for all replicas. */
export class KnownDigests {
  readonly #roomsMax: number;
  readonly #digests = new Map<string, RoomDigest>();

  constructor(roomsMax = 200) {
    this.#roomsMax = roomsMax;
  }

  saw(room: AnsweredRoom, digest: RoomDigest): void {
    this.#digests.delete(roomKey(room));
    this.#digests.set(roomKey(room), digest);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > this.#roomsMax && oldest !== undefined) this.#digests.delete(oldest);
  }

  of(room: AnsweredRoom): RoomDigest | null {
    return this.#digests.get(roomKey(room)) ?? null;
  }
}

export interface CompareParts {
  readonly runtime: Runtime;
  /** The primary's own readers: what they read is the room. */
  readonly truth: Replica;
  readonly known: KnownDigests;
}

/** What the digests of one comparison may take, and whether both sides begin at once. */
export interface ComparePace {
  readonly timeoutMs: number;
  readonly atOnce: boolean;
}

const LOOK_PACE: ComparePace = { timeoutMs: DIGEST_TIMEOUT_MS, atOnce: false };

/**
 * Compares what a replica holds of a room with what the primary holds, at one version of it: a digest of the replica, one of the primary's readers, and in turn again while the room is written
 * meanwhile; any two of one version do.
 */
export async function compareRoom(
  { runtime, truth, known }: CompareParts,
  replica: Replica,
  room: AnsweredRoom,
  signal: EndSignal,
  { timeoutMs, atOnce }: ComparePace = LOOK_PACE,
): Promise<RoomOutcome> {
  const first = known.of(room);
  const digests: Record<Side, RoomDigest[]> = { theirs: [], ours: first === null ? [] : [first] };
  let rows = 0;
  let isLacked = false;
  const ask = async (side: Side): Promise<Failure | null> => {
    const of = side === 'ours' ? truth : replica;
    const work = (end: EndSignal): Promise<RoomDigest> => of.digest(room, end, timeoutMs);
    try {
      const digest = await runBounded(runtime, `the digest of ${of.id}`, work, timeoutMs + BEYOND_MS, signal);
      rows += digest.tables.reduce((sum, table) => sum + table.rows, 0);
      digests[side].push(digest);
      if (side === 'ours') known.saw(room, digest);
      return null;
    } catch (cause) {
      isLacked ||= side === 'theirs' && cause instanceof RoomUnavailable;
      return failureOfDigest(side, of.id, AlcoveError.from(cause));
    }
  };
  for (const step of atOnce ? AT_ONCE : IN_TURN) {
    const failures = await Promise.all(step.map(ask));
    const failure = failures.find((one) => one !== null);
    // A room that was deleted is nowhere: what is not there any more is no riddle.
    if (failure != null) return { ...((isLacked ? await ask('ours') : null)?.kind === 'gone' ? { kind: 'gone' } : failure), rows };
    const judged = judge(room, digests.theirs, digests.ours, !step.includes('theirs'));
    if (judged !== null) return { ...judged, rows };
  }
  return { kind: 'unsure', reason: 'the room is written too fast', rows };
}

type Failure = { readonly kind: 'gone' } | { readonly kind: 'unsure' | 'late'; readonly reason: string };

function failureOfDigest(side: Side, id: string, error: AlcoveError): Failure {
  if (side === 'ours' && error instanceof RoomGone) return { kind: 'gone' };
  const isLate = error.code === 'query_timeout' || error.limit === SILENCE;
  return { kind: isLate ? 'late' : 'unsure', reason: `${id}: ${error.code}: ${error.message}` };
}

/** Null: no two of them are of one version. @param isOursLast Our last digest was begun after all of theirs had ended. */
function judge(
  room: AnsweredRoom,
  theirs: readonly RoomDigest[],
  ours: readonly RoomDigest[],
  isOursLast: boolean,
): { readonly kind: 'same' } | { readonly kind: 'wrong'; readonly found: WrongRoom } | null {
  for (const their of theirs)
    for (const our of ours) {
      if (their.at.historyId !== our.at.historyId || their.at.version !== our.at.version) continue;
      const tables = differingTables(their, our);
      return tables.length === 0 ? { kind: 'same' } : { kind: 'wrong', found: { room, tables, version: our.at.version } };
    }
  const [their, our] = [theirs.at(-1), ours.at(-1)];
  const isAhead = isOursLast && their?.at.historyId === our?.at.historyId && (their?.at.version ?? 0) > (our?.at.version ?? 0);
  return isAhead ? { kind: 'wrong', found: { room, tables: [], version: their?.at.version ?? 0 } } : null;
}
