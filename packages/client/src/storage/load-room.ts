import type { Runtime } from '@alcove/core/runtime/runtime';
import { DISK_TABLES, type DiskTable, type DiskTransaction, HEADER_KEY, mutationsUpTo, only } from './disk.ts';
import { readGone } from './gone-clients.ts';
import type { Header } from './header.ts';
import { type RawImage, readImage, wholeImage } from './image-pieces.ts';
import { NAMED_SCHEMAS, namedSchemas } from './named-schemas.ts';
import { incompleteClients, isLost, sortOutbox } from './outbox-rows.ts';
import { newestRejections } from './rejection-rows.ts';
import { type Sealed, unseal } from './seal.ts';
import type { LoadedParts, StorageDamage, StoredClient, StoredMutation, StoredOutbox, StoredRejection, StoredReplica } from './storage.ts';
import { wholeTail } from './whole-tail.ts';

/** Lower-case hex of the SHA-256, by whatever the platform has. */
export type Digest = (bytes: Uint8Array) => Promise<string>;

/** Everything as one transaction saw it, unchecked. */
export interface RawRoom extends RawOutbox {
  readonly what: LoadedParts;
  readonly header: Sealed | undefined;
  /** Null: there is none. */
  readonly image: RawImage | null;
  readonly tail: readonly Sealed[];
  readonly rejections: readonly Sealed[];
}

export interface RawOutbox {
  readonly clients: readonly Sealed[];
  readonly mutations: readonly Sealed[];
  readonly schemas: readonly Sealed[];
  /** Absent: not looked for, or none. */
  readonly gone?: Sealed | undefined;
}

export interface CheckedRoom extends StoredOutbox {
  /** Null: there is none, or none that can be read. */
  readonly header: Header | null;
  readonly replica: StoredReplica | null;
  readonly rejections: readonly StoredRejection[];
  readonly damage: readonly StorageDamage[];
}

export async function readRoom(runtime: Runtime, digest: Digest, transaction: DiskTransaction, what: LoadedParts): Promise<RawRoom> {
  const [withReplica, withOutbox] = [what !== 'outbox', what !== 'replica'];
  // Requests are answered in order, and the image waits for the header.
  const sealed = transaction.get('header', HEADER_KEY);
  const rows = Promise.all([
    withReplica ? transaction.getAll('tail') : [],
    withOutbox ? transaction.getAll('rejections') : [],
    withOutbox ? readOutbox(transaction) : { clients: [], mutations: [], schemas: [] },
  ]);
  // A transaction that ends early rejects all of them; the first that is awaited tells.
  rows.catch(() => undefined);
  const header = await sealed;
  const entry = withReplica ? (unseal<Header>(runtime, header)?.image ?? null) : null;
  const image = entry === null ? null : await readImage(transaction, digest, entry);
  const [tail, rejections, outbox] = await rows;
  return { what, header, image, tail, rejections, ...outbox };
}

/** What `load` has to read. */
export const tablesOf = (what: LoadedParts): readonly DiskTable[] =>
  ({ all: DISK_TABLES, outbox: OUTBOX_TABLES, replica: REPLICA_TABLES })[what];

const OUTBOX_TABLES = ['header', 'clients', 'mutations', 'rejections'] as const;
/** What `readOutbox` reads. */
export const PENDING_TABLES = ['header', 'clients', 'mutations'] as const;
const REPLICA_TABLES = ['header', 'image', 'tail'] as const;

/** Without names: of all clients. */
export async function readOutbox(transaction: DiskTransaction, clientIds?: readonly string[]): Promise<RawOutbox> {
  const ranges = clientIds?.map((clientId) => ({ client: only(clientId), mutations: mutationsUpTo(clientId, Number.MAX_SAFE_INTEGER) }));
  const [clients, mutations, schemas, gone] = await Promise.all([
    Promise.all((ranges ?? [undefined]).map((range) => transaction.getAll('clients', range?.client))),
    Promise.all((ranges ?? [undefined]).map((range) => transaction.getAll('mutations', range?.mutations))),
    transaction.getAll('header', NAMED_SCHEMAS),
    clientIds === undefined ? undefined : readGone(transaction),
  ]);
  return { clients: clients.flat(), mutations: mutations.flat(), schemas, gone };
}

/** Takes out what is damaged, and says so. */
export async function checkRoom(runtime: Runtime, digest: Digest, raw: RawRoom): Promise<CheckedRoom> {
  const damage: StorageDamage[] = [];
  const header = unseal<Header>(runtime, raw.header) ?? null;
  if (raw.header !== undefined && header === null) damage.push({ what: 'image', detail: 'the header is damaged' });
  const outbox = checkOutbox(runtime, raw, damage);
  const rejections = wholeOnes<StoredRejection>(runtime, raw.rejections, (count) =>
    damage.push({ what: 'rejection', detail: `${count} rejections are damaged` }),
  );
  const replica = header === null || raw.what === 'outbox' ? null : await checkReplica(runtime, digest, header, raw, damage);
  return { header, ...outbox, rejections: newestRejections(rejections), replica, damage };
}

export function checkOutbox(runtime: Runtime, raw: RawOutbox, damage: StorageDamage[]): StoredOutbox {
  const lost = (what: string) => (count: number) => damage.push({ what: 'outbox', detail: `${count} ${what} are damaged` });
  const clients = wholeOnes<StoredClient>(runtime, raw.clients, lost('clients'));
  const mutations = wholeOnes<StoredMutation>(runtime, raw.mutations, lost('mutations'));
  const outbox = sortOutbox(clients, mutations);
  const known = new Set(clients.map(({ clientId }) => clientId));
  const stray = mutations.filter(({ clientId }) => !known.has(clientId)).length;
  if (stray > 0) damage.push({ what: 'outbox', detail: `the clients of ${stray} mutations are missing` });
  for (const { clientId } of incompleteClients(outbox))
    damage.push({ what: 'outbox', detail: `mutations of client ${clientId} are missing` });
  const schemas = namedSchemas(runtime, raw.schemas);
  return { clients: outbox.clients, mutations: outbox.mutations.filter((mutation) => !isLost(mutation)), schemas };
}

async function checkReplica(
  runtime: Runtime,
  digest: Digest,
  { image, tail: written }: Header,
  raw: RawRoom,
  damage: StorageDamage[],
): Promise<StoredReplica | null> {
  if (image === null) return null;
  const { position } = image;
  const bytes = raw.image === null ? null : await wholeImage(digest, image, raw.image);
  if (bytes === null) {
    damage.push({ what: 'image', detail: `the image of version ${position.version} is not whole` });
    return null;
  }
  const { commits, reached } = wholeTail(runtime, image, raw.tail);
  if (reached.version < written.version)
    damage.push({ what: 'tail', detail: `commits from version ${reached.version} to ${written.version} are missing or damaged` });
  const { schema, sha256 } = image;
  return { image: { position, ...(schema === undefined ? {} : { schema }), bytes, sha256 }, tail: commits, tailBytes: reached.bytes };
}

function wholeOnes<Value>(runtime: Runtime, rows: readonly Sealed[], onDamaged: (count: number) => void): Value[] {
  const values = rows.map((row) => unseal<Value>(runtime, row)).filter((value) => value !== undefined);
  if (values.length < rows.length) onDamaged(rows.length - values.length);
  return values;
}
