import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '@alcove/core/error';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import type { ConnectionState } from '../connection/connection-state.ts';
import { ConnectionNotes } from './connection-notes.ts';

const past = { socketId: 1, attempt: 1, authRefusals: 0, faults: 0, serverFaults: 0, attemptAtMs: 0 };
const waiting = (code: ErrorBody['code'], message: string = code): ConnectionState => ({
  phase: 'waiting',
  past,
  error: { code, message },
  retryAtMs: 0,
  notBeforeMs: 0,
});
const failed = (code: ErrorBody['code']): ConnectionState => ({ phase: 'failed', past, error: { code, message: code } });
const live: ConnectionState = {
  phase: 'live',
  past,
  sinceMs: 0,
  heartbeatIntervalMs: 1,
  idleTimeoutMs: 1,
  heardAtMs: 0,
  pingDueMs: 0,
  deadAtMs: null,
  patienceMs: 0,
  life: null,
  told: null,
};

const told = (...states: ConnectionState[]): string[] => {
  const log = new CollectingLogger();
  const notes = new ConnectionNotes(log, { room: 'trip', id: 'japan', url: 'ws://localhost:8787/sync' });
  for (const state of states) notes.phase(state);
  return log.entries.map(({ message }) => message);
};

describe('what the console is told of a connection', () => {
  it('[CN-19] a server that was never reached, once, with its address', () => {
    const lines = told(waiting('connection_lost'), waiting('connection_lost'), waiting('overloaded'));
    expect(lines).toEqual([expect.stringContaining('ws://localhost:8787/sync')]);
  });

  it('[CN-19] a server of an older build, once until it was joined, with the room and what to do', () => {
    const lines = told(waiting('room_outdated'), waiting('connection_lost'), waiting('room_outdated'), live, waiting('room_outdated'));
    expect(lines.filter((line) => line.includes('older build'))).toHaveLength(2);
    expect(lines[0]).toMatch(/“trip” \(japan\).*Restart the server/);
  });

  it('[CN-43] a room that the server cannot open, once until it was joined, also after it was', () => {
    const lines = told(live, waiting('schema_mismatch'), waiting('schema_mismatch'), live, waiting('schema_mismatch'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/cannot open the room “trip” \(japan\): schema_mismatch.*goes on by itself/);
  });

  it('[CN-19] what is not tried again, with its code and hint', () => {
    expect(told(failed('room_unknown'))).toEqual([expect.stringMatching(/room_unknown.*Use a room name the server was started with/)]);
    expect(told({ phase: 'needsAuth', past, error: { code: 'unauthenticated', message: 'no' } })).toHaveLength(1);
  });

  it('[CN-51] an auth that gives no token: nothing of the room, which was never asked', () => {
    expect(told(failed('option_invalid'))).toEqual([
      'the room “trip” (japan) at ws://localhost:8787/sync is not connected: option_invalid. Correct the option the message names.',
    ]);
  });

  it('[CN-46] what the server said, and no question whether it runs', () => {
    const needsAuth: ConnectionState = {
      phase: 'needsAuth',
      past,
      error: { code: 'unauthenticated', message: 'the token was not accepted' },
    };
    const lines = told(waiting('unauthenticated'), needsAuth);
    expect(lines).toEqual([expect.stringMatching(/does not let this page in: unauthenticated: the token was not accepted/)]);
    expect(told(waiting('overloaded', 'too many'))).toEqual([expect.stringMatching(/overloaded: too many\. It is tried/)]);
  });

  it('[CN-19] nothing of a connection that was lost', () => {
    expect(told(live, waiting('connection_lost'), waiting('heartbeat_missed'), waiting('draining'))).toEqual([]);
  });
});
