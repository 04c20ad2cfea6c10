import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@alcove/core/runtime/logger';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tripRoom } from '../../../../../test/fake/trip-room.ts';
import { LimitMeter } from '../../limits/limit-meter.ts';
import type { ReplicaOptions } from '../../read/replica-options.ts';
import { mirrorAccess } from '../postgres/mirror-access.ts';
import type { MirrorAccess } from '../postgres/mirror-access.ts';
import { DataDir } from './data-dir.ts';
import type { MirrorProcess } from './mirror-process.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { ReadFleet } from './read-fleet.ts';
import { resolveServerOptions } from './server-options.ts';

let directory: string;
const fleets: ReadFleet[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-fleet-'));
});
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.close();
  rmSync(directory, { recursive: true });
});

const token = 'a-token-of-followers';
const runtime = createNodeRuntime({ log: silentLogger });

/** With a mirror that has not reached its PostgreSQL. */
function fleetOf(replicas: readonly ReplicaOptions[]) {
  const options = resolveServerOptions({
    rooms: [tripRoom],
    dataDir: directory,
    readers: 0,
    followers: { token },
    mirror: { url: 'postgres://nobody@127.0.0.1:1/none' },
    replicas,
    log: silentLogger,
  });
  let tell: (access: MirrorAccess) => void = () => undefined;
  const mirror: Pick<MirrorProcess, 'whenReady'> = {
    whenReady: (then) => {
      tell = then;
    },
  };
  // Of a mirror nothing else is asked before it is read.
  const fleet = new ReadFleet(options, new DataDir(directory), runtime, new LimitMeter(new Set()), mirror as MirrorProcess);
  fleets.push(fleet);
  return { fleet, ready: () => tell(mirrorAccess('alcove', new Uint8Array(32), runtime)) };
}

const taken = (id: string): unknown =>
  expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(`the id ${id} is taken`) });

it('[RD-101] no replica takes the id of the mirror, or of one that waits for it', () => {
  expect(() => fleetOf([{ url: 'ws://127.0.0.1:1/sync', id: 'mirror' }])).toThrow(taken('mirror'));
  const { fleet, ready } = fleetOf([{ url: 'postgres://127.0.0.1:2/none', id: 'first' }]);
  for (const url of ['ws://127.0.0.1:3/sync', 'postgres://127.0.0.1:3/none'])
    for (const id of ['mirror', 'first']) expect(() => fleet.add({ url, id }, token)).toThrow(taken(id));
  expect(() => fleet.add({ url: 'postgres://127.0.0.1:2/none', id: 'second' }, token)).toThrow('the address of replica first');
  fleet.add({ url: 'postgres://127.0.0.1:3/none', id: 'second' }, token);
  ready();
  expect(fleet.snapshot.replicas.map(({ id }) => id).sort()).toEqual(['first', 'mirror', 'second']);
});
