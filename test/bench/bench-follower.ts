// A real follower of a bench's server in a process of its own. Arguments: BenchFollowerOptions as JSON.
import { silentLogger } from '@alcove/core/runtime/logger';
import { createFollower } from '@alcove/server/node';
import { board } from './bench-room.ts';
import { answerParent } from './child.ts';

export interface BenchFollowerOptions {
  readonly dataDir: string;
  readonly from: string;
  readonly token: string;
  readonly port?: number;
  readonly readers?: number;
  /** Says when it holds each version of this room, as messages to the parent; looked at every millisecond. */
  readonly watched?: string;
}

/** When a follower held a version, in ms since 1970, finer than that. */
export interface FollowerHeld {
  readonly held: number;
  readonly atMs: number;
}

const LOOK_MS = 1;

const { dataDir, from, token, port, readers, watched } = JSON.parse(process.argv[2] ?? '{}') as BenchFollowerOptions; // a bench wrote it
const follower = await createFollower({
  rooms: [board],
  dataDir,
  from,
  token,
  port: port ?? 0,
  host: '127.0.0.1',
  log: silentLogger,
  ...(readers === undefined ? {} : { readers }),
});

let held = 0;
const look = (): void => {
  const version = follower.status().find(({ id }) => id === watched)?.head?.version ?? 0;
  if (version === held) return;
  held = version;
  process.send?.({ held, atMs: performance.timeOrigin + performance.now() } satisfies FollowerHeld);
};
const timer = watched === undefined ? undefined : setInterval(look, LOOK_MS);
answerParent(follower.url, async () => {
  clearInterval(timer);
  await follower.close();
});
