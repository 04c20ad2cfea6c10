import type { Position } from '../oracle/history.ts';
import type { World } from '../world/world.ts';

/** Every page that had shown what the room is without is told so, and nobody else; all of them show what the room has now. */
export function lostTailsAreTold(world: World): void {
  const { findings, history } = world;
  for (const { name, room, shown } of world.liveTabs()) {
    const { lostTail } = room.status.getSnapshot();
    const { last, lost } = shown;
    findings.check(
      last !== null && history.holds(last),
      'I37',
      () => `${name} shows ${textOf(last)} at the end, which the room is without`,
    );
    findings.check(
      lost === null || lostTail !== null,
      'I37',
      () => `${name} showed ${textOf(lost?.[0])}, then ${textOf(lost?.[1])}, which is without it, and is told of no lost tail`,
    );
    findings.check(
      lost !== null || lostTail === null,
      'I37',
      () => `${name} is told that version ${lostTail?.seenVersion} was lost, and all that it showed goes on`,
    );
  }
}

const textOf = (position: Position | null | undefined): string =>
  position == null ? 'nothing' : `version ${position.version} (${position.hash.slice(0, 6)}) of history ${position.historyId}`;
