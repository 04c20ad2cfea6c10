import { AlcoveError } from '@alcove/core/error';
import { beforeEach, expect, it } from 'vitest';
import { CollectingLogger } from '../../../../../test/fake/collecting-logger.ts';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { LIST_INTERVAL_MS, RoomListing } from './room-listing.ts';

let log: CollectingLogger;
let runtime: FakeRuntime;
let found: string[];
let onPrimary: string[];
let refusal: AlcoveError | null;
let asked: number;

beforeEach(() => {
  log = new CollectingLogger();
  runtime = new FakeRuntime({ log });
  found = [];
  onPrimary = ['a'];
  refusal = null;
  asked = 0;
});

const listing = (names: readonly string[] = ['trip']): RoomListing =>
  new RoomListing({
    names,
    from: 'ws://primary/sync',
    runtime,
    idsOnDisk: () => Promise.resolve(['kept']),
    idsOnPrimary: async () => {
      asked += 1;
      if (refusal !== null) throw refusal;
      return onPrimary;
    },
    found: ({ name, id }) => void found.push(`${name}/${id}`),
  });
const errors = (): unknown[] => log.entries.filter(({ level }) => level === 'error');

it('[FO-6] finds what is on the disk and what the primary has, and looks again every few seconds', async () => {
  const rooms = listing();
  await rooms.look();
  expect(found).toEqual(['trip/kept', 'trip/a']);
  onPrimary = ['a', 'b'];
  await runtime.advanceAsync(LIST_INTERVAL_MS);
  expect(found).toContain('trip/b');
  rooms.close();
  await runtime.advanceAsync(2 * LIST_INTERVAL_MS);
  expect(asked).toBe(2);
});

it('[FO-6] looks for a room that somebody asks for, not right after a look, and for no names that are not followed whole', async () => {
  const rooms = listing();
  await rooms.look();
  await rooms.lookFor('trip');
  expect(asked).toBe(1);
  await runtime.advanceAsync(501);
  await rooms.lookFor('board');
  expect(asked).toBe(1);
  await Promise.all([rooms.lookFor('trip'), rooms.lookFor('trip')]);
  expect(asked).toBe(2);
});

it('[FO-9] says once why the primary does not tell, goes by the disk, and is complete again when it does', async () => {
  refusal = new AlcoveError('connection_lost', 'no');
  const rooms = listing();
  await rooms.look();
  expect(found).toEqual(['trip/kept']);
  expect(rooms.isComplete).toBe(false);
  await runtime.advanceAsync(2 * LIST_INTERVAL_MS);
  expect(errors()).toHaveLength(1);
  refusal = null;
  await runtime.advanceAsync(LIST_INTERVAL_MS);
  expect(rooms.isComplete).toBe(true);
  expect(errors()).toHaveLength(1);
});

it('asks nobody where no name is followed whole', async () => {
  const rooms = listing([]);
  await rooms.look();
  await runtime.advanceAsync(3 * LIST_INTERVAL_MS);
  expect(asked).toBe(0);
  expect(rooms.isComplete).toBe(true);
});
