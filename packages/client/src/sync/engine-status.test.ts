import { expect, it } from 'vitest';
import { type ConnectionState, initialConnection } from '../connection/connection-state.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { engineStatus, SessionFacts } from './engine-status.ts';

const { past } = initialConnection;
const statusIn = (state: ConnectionState, facts = new SessionFacts()) =>
  engineStatus({
    runtime: new FakeRuntime(),
    connection: { state, heardAtMs: null, roundTripMs: null },
    replica: { position: null, isCurrent: false, progress: null, forked: null, hash: null },
    facts,
    pending: 0,
    rejected: 0,
    storage: null,
    held: 0,
  });

it('[CN-9] a connection that stopped says why from the first moment on, and not what ended the one before', () => {
  const error = { code: 'forbidden', message: 'the server ended this session' } as const;
  const facts = new SessionFacts();
  for (const phase of ['failed', 'needsAuth'] as const)
    expect(statusIn({ phase, past, error }, facts)).toMatchObject({ connection: phase, error });
  facts.error = { code: 'connection_lost', message: 'earlier' };
  expect(statusIn({ phase: 'failed', past, error }, facts).error).toEqual(error);
  expect(statusIn(initialConnection, facts).error).toEqual(facts.error);
});
