import type { AlcoveError } from '@alcove/core/error';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { TakenVersions } from './followed-room.ts';
import type { StatesMessage } from './relayed-states.ts';
import type { ServedFile } from './followed-copy.ts';

/**
 * What a follower's link to its primary tells whoever serves the room's tabs.
 *
 * ```
 * ( welcomed → ( following → ( taken · relayed )* → lost )* )*        states, primaryAt: from welcomed on
 * ```
 */
export interface LinkListener {
  /** Lowest version that the log is needed from. */
  readonly oldest: number;
  /** A new socket to the primary is in the room. */
  welcomed(welcome: WelcomeMessage): void;
  /** The file takes the log from where it stands. */
  following(file: ServedFile): void;
  /** Right after the file took them. */
  taken(versions: TakenVersions): void;
  states(message: StatesMessage): void;
  primaryAt(version: number): void;
  /** A frame for one of the sessions, or a word of the primary. */
  relayed(session: number, frame: Uint8Array): void;
  /** The socket is gone, or the file is; it is not to be read any more when this returns. May come without `following`. */
  lost(error: AlcoveError): void;
}

/** Where nobody serves tabs. */
export const NO_TABS: LinkListener = {
  oldest: Number.MAX_SAFE_INTEGER,
  welcomed: () => undefined,
  following: () => undefined,
  taken: () => undefined,
  states: () => undefined,
  primaryAt: () => undefined,
  relayed: () => undefined,
  lost: () => undefined,
};
