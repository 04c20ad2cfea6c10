import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startChildServer } from './child-server.ts';
import { HostFixture } from './host-fixture.ts';

let fixture: HostFixture;
beforeEach(() => {
  fixture = new HostFixture();
});
afterEach(() => fixture.end());

it.each(['better-sqlite3', 'photostructure'])(
  'a room that was just made is open under its own name, where other processes find its log: %s',
  async (driver) => {
    const { url, child } = await startChildServer(fixture.dataDir, { ...process.env, ALCOVE_DRIVER: driver });
    const room = join(fixture.dataDir, 'rooms', 'trip', 'new.sqlite');
    await fixture.join(url, 'new');
    expect([room, `${room}-wal`, `${room}-shm`].map((path) => existsSync(path))).toEqual([true, true, true]);
    child.kill('SIGKILL');
  },
);
