import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { DiskKey, DiskTable, DiskTables } from '../../packages/client/src/storage/disk.ts';
import type {
  Advance,
  NamedSchema,
  RoomStorage,
  Storage,
  StoragePlace,
  StoredClient,
  StoredCommit,
  StoredImage,
  StoredMutation,
  StoredPosition,
} from '../../packages/client/src/storage/storage.ts';
import { storedSchemaOf } from '../../packages/client/src/storage/stored-schema.ts';
import { expect } from 'vitest';

export type Row = DiskTables[DiskTable];

/** A storage under test and what the platform can do to it. */
export interface StorageWorld {
  readonly storage: Storage;
  /** Changes or removes (undefined) rows behind its back, while nobody has the place open. */
  damage(place: StoragePlace, table: DiskTable, change: (row: Row, key: DiskKey) => Row | undefined): Promise<void>;
  /** What the user's “clear site data” does to a place that may be open. */
  clear(place: StoragePlace): Promise<void>;
  hexOfSha256(bytes: Uint8Array): Promise<string>;
}

let rooms = 0;

export const newPlace = (): StoragePlace => ({ server: 'ws://here', user: 'ann', roomName: 'trip', roomId: `room-${(rooms += 1)}` });

export const positionAt = (version: number, change: Partial<StoredPosition> = {}): StoredPosition => ({
  historyId: 'history-1',
  version,
  hash: `hash-${version}`,
  view: '',
  schemaId: 'schema-1',
  ...change,
});

export const commitFrom = (from: number, to: number, text = `row ${to}`): StoredCommit => ({
  from,
  to,
  schema: 'schema-1',
  hash: `hash-${to}`,
  changes: [{ table: 'stops', columns: ['id', 'name'], key: ['id'], puts: [[to], [text]], deletes: [[]] }],
});

export const clientOf = (clientId: string, change: Partial<StoredClient> = {}): StoredClient => ({
  clientId,
  lastMutationId: 0,
  confirmed: 0,
  confirmedAt: null,
  welcomed: null,
  seenAtMs: 1_800_000_000_000,
  ...change,
});

export const mutationOf = (clientId: string, mutationId: number, nowMs = 1_800_000_000_000 + mutationId): StoredMutation => ({
  clientId,
  mutationId,
  name: 'addStop',
  args: { id: `${clientId} ${mutationId}`, name: 'Kyōto 京都 🚄' },
  seed: 'AAAAAAAAAAAAAAAAAAAAAA',
  nowMs,
  schemaId: 'schema-1',
});

/** What mutations of a build with these tables are called under. */
export function namedSchemaOf(name: string, schema: Parameters<typeof defineRoom>[0]['schema']): NamedSchema {
  const room = defineRoom({ name, schema, mutators: {} });
  return { schemaId: room.model.schemaId, schema: storedSchemaOf(room) };
}

export const advanceWith = (change: Partial<Advance>): Advance => ({
  historyId: 'history-1',
  commits: [],
  clients: [],
  rejections: [],
  ...change,
});

export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'nothing thrown';
  } catch (error) {
    if (error instanceof AlcoveError) return error.code;
    throw error;
  }
};

/** Bytes that no compression makes small. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export async function imageAt(
  world: StorageWorld,
  version: number,
  length = 5_000_000,
  change: Partial<StoredPosition> = {},
): Promise<StoredImage> {
  const bytes = noise(length, version + 1);
  return { position: positionAt(version, change), bytes, sha256: await world.hexOfSha256(bytes) };
}

/** Opens, hands over and closes whatever happens. */
export async function withRoom<Result>(
  world: StorageWorld,
  place: StoragePlace,
  run: (room: RoomStorage) => Promise<Result>,
): Promise<Result> {
  const room = await world.storage.open(place);
  try {
    return await run(room);
  } finally {
    room.close();
  }
}

export const reload = (world: StorageWorld, place: StoragePlace) => withRoom(world, place, (room) => room.load());

export async function imaged(
  world: StorageWorld,
  room: RoomStorage,
  version: number,
  change: Partial<StoredPosition> = {},
): Promise<StoredImage> {
  const image = await imageAt(world, version, 5_000_000, change);
  expect(await room.writeImage(image, await room.becomeImager())).toBe('written');
  return image;
}
