import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { decodeServerMessage } from '@alcove/core/protocol/codec';
import { defineRoom } from '@alcove/core/schema/define-room';
import { value } from '@alcove/core/schema/values';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { RelayedStates, type StatesMessage } from './relayed-states.ts';

const room = defineRoom({
  name: 'trip',
  schema: { stops: sqliteTable('stops', { id: text().primaryKey() }) },
  mutators: {},
  presence: v.object({ name: v.string() }),
  ephemeral: { typing: v.boolean() },
  values: { budget: value(v.number()) },
});

function world() {
  const runtime = new FakeRuntime();
  const sent: unknown[] = [];
  const full = new Set<string>();
  const states = new RelayedStates({
    definition: room,
    boot: 'boot-1',
    entriesMax: 100,
    backlogBytesMax: 10,
    runtime,
    socket: {
      send: (connectionId, frame) => sent.push([connectionId, decodeServerMessage(frame, runtime, { messageBytesMax: 10_000 })]),
      bufferedBytes: (connectionId) => (full.has(connectionId) ? 11 : 0),
    },
  });
  return { states, full, heard: () => sent.splice(0) };
}

const entry = (sessionId: string, state: unknown) => ({ sessionId, userId: null, state });
const presence = (reset: boolean, ...entries: readonly object[]): StatesMessage =>
  ({ type: 'presence', reset, entries }) as unknown as StatesMessage; // as the protocol has it
const values = (reset: boolean, ...entries: readonly object[]): StatesMessage =>
  ({ type: 'values', reset, boot: 'boot-1', entries }) as unknown as StatesMessage; // likewise
const budget = (written: boolean) => ({ name: 'budget', key: '', value: 5, seq: 2, written, updatedBy: null });

describe('states of the primary’s room at a follower', () => {
  it('[FO-11] are told whole to whoever comes, then as they change; a slow session gets the last of each', () => {
    const { states, full, heard } = world();
    states.take(presence(true, entry('s1', { name: 'Ada' }), entry('s2', { name: 'Bob' })));
    states.add('a', 'json');
    states.tick();
    const [first, typing, unwritten] = heard();
    expect(first).toEqual(['a', presence(true, entry('s1', { name: 'Ada' }), entry('s2', { name: 'Bob' }))]);
    expect([typing, unwritten]).toMatchObject([
      ['a', { type: 'ephemeral', entries: [] }],
      ['a', { type: 'values', boot: 'boot-1', entries: [] }],
    ]);
    full.add('a');
    for (const name of ['x', 'y', 'z']) states.take(presence(false, entry('s1', { name })));
    expect(states.tick()).toBe(true);
    expect(heard()).toEqual([]);
    full.clear();
    states.take(presence(false, entry('s2', null)));
    expect(states.tick()).toBe(false);
    expect(heard()).toEqual([['a', presence(false, entry('s1', { name: 'z' }), entry('s2', null))]]);
  });

  it('[FO-11] that a later whole set lacks are gone, and values that were written are told so', () => {
    const { states, heard } = world();
    states.add('a', 'json');
    states.take(presence(true, entry('s1', { name: 'Ada' }), entry('s2', { name: 'Bob' })));
    states.take(values(true, budget(false)));
    states.tick();
    heard();
    states.take(presence(true, entry('s2', { name: 'Bob' })));
    states.take(values(false, budget(true)));
    states.tick();
    expect(heard()).toEqual([
      ['a', presence(false, entry('s1', null), entry('s2', { name: 'Bob' }))],
      ['a', values(false, budget(true))],
    ]);
  });
});
