import type { Prng } from '../../fake/prng.ts';
import type { RoomHost } from '../room/room-host.ts';
import type { RoomDisk } from '../room/room-disk.ts';

/** Of the world, what it takes to put a backup in the place of what the room has. */
export interface Restorable {
  readonly random: Prng;
  readonly host: RoomHost;
  readonly disk: RoomDisk;
  restartAfter(ms: number): void;
}

/** A backup is made, or put in the place of the room's file. */
export function backUpOrLoseTail(world: Restorable, downMs: number, lose: boolean): void {
  if (!lose) return world.disk.backUp();
  if (world.host.loseTail(linksOf(world))) world.restartAfter(downMs);
}

/** The room's whole folder is copied away, or put back as it was copied. */
export function copyOrPutFolderBack(world: Restorable, downMs: number, putBack: boolean): void {
  if (!putBack) return world.host.copyFolder();
  if (world.host.putFolderBack(linksOf(world))) world.restartAfter(downMs);
}

/** How the server's end looks from outside. */
const linksOf = ({ random }: Restorable): Parameters<RoomHost['crash']>[1] => ({
  clientsHearAfterMs: () => random.pick([0, random.int(1, 200), null]),
  keepDown: () => random.chance(0.5),
});
