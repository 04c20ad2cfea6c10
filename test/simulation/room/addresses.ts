/** The room of a run. */
export const ROOM_ID = 'field';

/** What followers say who they are with. */
export const FOLLOWER_TOKEN = 'the-follower-token';
