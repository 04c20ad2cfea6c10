import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, roomKey } from './answered-rooms.ts';
import type { EndSignal, Replica } from './replica.ts';
import { differingTables, type RoomDigest } from './room-digest.ts';
import { RoomUnavailable } from './room-unavailable.ts';
import { runBounded } from './run-bounded.ts';

/** Digests of one room that are asked for until two are of one version: half of them of the replica, half of the primary's readers. */
const DIGESTS_MAX = 8;
/** Above what a replica itself gives one. */
const DIGEST_LIMIT_MS = 35_000;

/** What a replica holds and the primary does not, at one version. */
export interface WrongRoom {
  readonly room: AnsweredRoom;
  /** Empty: it tells a version that the primary has not reached. */
  readonly tables: readonly string[];
  readonly version: number;
}

/**
 * `same` · `wrong` · `unsure`: no two digests were of one version, or there was none · `gone`: the primary has no such room. `rows` is what had to be read for it, on both sides.
 */
export type RoomOutcome = { readonly rows: number } & (
  | { readonly kind: 'same' | 'gone' }
  | { readonly kind: 'unsure'; readonly reason: string }
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

/**
 * Compares what a replica holds of a room with what the primary holds, at one version of it: a digest of the replica, one of the primary's readers, and in turn again while the room is written
 * meanwhile; any two of one version do.
 */
export async function compareRoom(
  { runtime, truth, known }: CompareParts,
  replica: Replica,
  room: AnsweredRoom,
  signal: EndSignal,
): Promise<RoomOutcome> {
  const first = known.of(room);
  const theirs: RoomDigest[] = [];
  const ours: RoomDigest[] = first === null ? [] : [first];
  let rows = 0;
  const digestOf = async (of: Replica): Promise<RoomDigest> => {
    const digest = await runBounded(runtime, `the digest of ${of.id}`, (end) => of.digest(room, end), DIGEST_LIMIT_MS, signal);
    rows += digest.tables.reduce((sum, table) => sum + table.rows, 0);
    return digest;
  };
  for (let asked = 0; asked < DIGESTS_MAX; asked++) {
    const isOurs = asked % 2 === 1;
    try {
      const digest = await digestOf(isOurs ? truth : replica);
      (isOurs ? ours : theirs).push(digest);
      if (isOurs) known.saw(room, digest);
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (isOurs && error instanceof RoomUnavailable) return { kind: 'gone', rows };
      return { kind: 'unsure', reason: `${isOurs ? truth.id : replica.id}: ${error.code}: ${error.message}`, rows };
    }
    const judged = judge(room, theirs, ours, isOurs);
    if (judged !== null) return { ...judged, rows };
  }
  return { kind: 'unsure', reason: 'the room is written too fast', rows };
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
