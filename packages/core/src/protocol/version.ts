import { AlcoveError } from '../error.ts';

/**
 * History of the wire protocol, one line a version. A peer offers the highest version it speaks; the other answers with the lower of both and
 * refuses (`protocol_unsupported`) what lies below the floor.
 *
 * 1  First version.
 */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_FLOOR = 1;

/**
 * The version to speak with a peer that offers `offered`.
 *
 * @throws AlcoveError `protocol_unsupported` for a peer below the floor.
 */
export function negotiate(offered: number): number {
  if (offered >= PROTOCOL_FLOOR) return Math.min(offered, PROTOCOL_VERSION);
  throw new AlcoveError(
    'protocol_unsupported',
    `the peer speaks protocol ${offered}; this side speaks ${PROTOCOL_FLOOR} to ${PROTOCOL_VERSION}`,
  );
}
