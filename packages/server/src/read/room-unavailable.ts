import { AlcoveError, type AlcoveErrorOptions } from '@alcove/core/error';

/**
 * A `replica_unavailable` of one room alone: it has no file there, is not followed, is being moved. The read goes elsewhere, and nothing is held against the replica, which other rooms are read
 * at. Any user can have a room that a replica does not have.
 */
export class RoomUnavailable extends AlcoveError {
  constructor(message: string, options?: AlcoveErrorOptions) {
    super('replica_unavailable', message, options);
  }
}

/** There is no such room there, and not just at this moment. */
export class RoomGone extends RoomUnavailable {}
