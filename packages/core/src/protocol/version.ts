/**
 * History of the wire protocol, one line a version. A peer offers the highest version it speaks; the other answers with the lower of both and
 * refuses (`protocol_unsupported`) what lies below the floor.
 *
 * 1  First version.
 */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_FLOOR = 1;
