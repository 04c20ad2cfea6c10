import type { Runtime } from '@alcove/core/runtime/runtime';

/** Which room: as elsewhere the name of its definition, and its id. Neither holds a slash. */
export interface ProvenRoom {
  readonly name: string;
  readonly id: string;
}

/**
 * How long a proof is good: whoever could read the one of a room that they may see no more would keep that room open with it. Also what the time of the server and that of
 * PostgreSQL may be apart.
 */
export const PROOF_MS = 10 * 60_000;

const BLOCK_BYTES = 64;

/**
 * What a session's setting says so that PostgreSQL shows it one room's rows: `<definition>/<id>/<good until, in ms>/<HMAC-SHA-256 of all that>`. Who cannot read the secret cannot make one.
 */
export function sessionProof(
  secret: Uint8Array,
  { name, id }: ProvenRoom,
  runtime: Pick<Runtime, 'nowMs' | 'hmacSha256' | 'utf8'>,
): string {
  const claim = `${name}/${id}/${Math.round(runtime.nowMs()) + PROOF_MS}`;
  return `${claim}/${hex(runtime.hmacSha256(secret, runtime.utf8.encode(claim)))}`;
}

/** The reader role's password: whoever has the secret may sign in as it. */
export const readerPassword = (secret: Uint8Array, runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>): string =>
  hex(runtime.hmacSha256(secret, runtime.utf8.encode('password of the reader role')));

/** The two keys that HMAC makes of a secret of at most 64 bytes: with them PostgreSQL, which has SHA-256 alone, computes it. */
export const hmacPads = (secret: Uint8Array): { readonly inner: Uint8Array; readonly outer: Uint8Array } => ({
  inner: padded(secret, 0x36),
  outer: padded(secret, 0x5c),
});

function padded(secret: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad);
  for (const [index, byte] of secret.entries()) block[index] = byte ^ pad;
  return block;
}

const hex = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
};
