import type { Runtime } from '@alcove/core/runtime/runtime';
import { MirrorNames } from '../../mirror/mirror-names.ts';
import { type ProvenRoom, readerPassword, sessionProof } from '../../mirror/session-proof.ts';

/** What reads of a mirror need to know of it. */
export interface MirrorAccess {
  readonly prefix: string;
  /** The login role that sees one room at a time, on the primary and on its standbys. */
  readonly reader: { readonly user: string; readonly password: string };
  /**
   * What opens a room for a transaction of that role: `SELECT set_config('<prefix>.room', $1, true)`, always as a parameter, since sessions of one role see each other's statements. Good for
   * `PROOF_MS`; made anew for every read.
   */
  proof(room: ProvenRoom): string;
}

/** @param secret As `provision` found it in the database. */
export function mirrorAccess(prefix: string, secret: Uint8Array, runtime: Pick<Runtime, 'nowMs' | 'hmacSha256' | 'utf8'>): MirrorAccess {
  return {
    prefix,
    reader: { user: new MirrorNames(prefix).readerRole, password: readerPassword(secret, runtime) },
    proof: (room) => sessionProof(secret, room, runtime),
  };
}
