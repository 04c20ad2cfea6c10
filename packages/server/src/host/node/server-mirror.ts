import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomAddress } from '../../room/room-directory.ts';
import { MirrorProcess, type MirrorStatus } from './mirror-process.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** The copy of the rooms in PostgreSQL, for the server's own code. @throws AlcoveError `option_invalid` where the server has no mirror */
export interface ServerMirror {
  /** How it was a second ago at the most. Null: the server has none. */
  status(): MirrorStatus | null;
  /** Throws away what PostgreSQL has of a room and copies it anew, whatever it was. Resolves when it is level. @throws AlcoveError (as rejection) what is wrong with it */
  resync(name: string, id: string): Promise<void>;
  /**
   * Compares a room with its mirror at one version, and copies it anew where they differ. Every room is compared once in `mirror.checkIntervalMs` anyway.
   * @returns the tables that differed; they do not any more
   */
  check(name: string, id: string): Promise<readonly string[]>;
}

/** Null: there is none. */
export function mirrorProcess(
  { mirror, rooms, dataDir }: ResolvedServerOptions,
  runtime: Runtime,
  bringUpToDate: (room: RoomAddress) => Promise<void>,
): MirrorProcess | null {
  if (mirror === null) return null;
  const definitions = mirror.rooms.flatMap((name) => {
    const model = rooms.get(name)?.model;
    return model === undefined ? [] : [{ name, model }];
  });
  return new MirrorProcess({ mirror, definitions, dataDir, runtime, bringUpToDate });
}

export function serverMirror(mirror: MirrorProcess | null, addressOf: (name: string, id: string) => RoomAddress): ServerMirror {
  const needed = (): MirrorProcess => {
    if (mirror !== null) return mirror;
    throw new AlcoveError('option_invalid', 'the server has no mirror: give createServer `mirror: { url }`, or ALCOVE_MIRROR_URL', {
      hint: 'Orders about a follower name its id; `alcove replicas` lists them.',
    });
  };
  return {
    status: () => mirror?.status ?? null,
    resync: async (name, id) => needed().resync(addressOf(name, id)),
    check: async (name, id) => needed().check(addressOf(name, id)),
  };
}

/** Lets both go on. */
export const bothHeldOff = async (readers: Promise<() => void>, mirror: Promise<() => void> | undefined): Promise<() => void> => {
  const held = await Promise.all([readers, mirror]);
  return () => {
    for (const letGo of held) letGo?.();
  };
};
