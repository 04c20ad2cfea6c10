import { beforeEach, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { SEES_ALL } from '../access/reader-class.ts';
import { type Session, Sessions } from './sessions.ts';
import { SessionWatch } from './session-watch.ts';

const IDLE_MS = 1_000;
let runtime: FakeRuntime;
let sessions: Sessions;
let wanted: number[];
let ended: string[];
let watch: SessionWatch;

beforeEach(() => {
  runtime = new FakeRuntime();
  sessions = new Sessions();
  wanted = [];
  ended = [];
  watch = new SessionWatch({
    sessions,
    runtime,
    idleTimeoutMs: IDLE_MS,
    want: (atMs) => void wanted.push(atMs),
    end: (session, { code }) => {
      sessions.remove(session);
      ended.push(`${session.connectionId} ${code}`);
    },
  });
});

const joined = (connectionId: string, expiresInMs?: number): Session => {
  const session: Session = {
    connectionId,
    sessionId: connectionId,
    clientId: connectionId,
    groupId: connectionId,
    subject: '',
    codec: 'json',
    clients: new Map(),
    adopted: new Set(),
    forgotten: new Set(),
    isOlder: false,
    schemaSeen: '',
    readerClass: SEES_ALL,
    snapshots: [],
    access: { claims: null, ...(expiresInMs === undefined ? {} : { expiresInMs }) },
    isRelayed: false,
    takesRecords: false,
    state: { phase: 'ended' },
    owedFrom: 0,
    heardMs: runtime.monotonicMs(),
    accessUntilMs: null,
    queued: 0,
    saidWhileFull: 0,
  };
  sessions.add(session);
  watch.began(session);
  return session;
};

it('ends who is silent for an idle timeout, and looks again while somebody is in', () => {
  joined('silent');
  runtime.advance(600);
  joined('talks');
  runtime.advance(400);
  watch.endSilent();
  expect(ended).toEqual(['silent idle_timeout']);
  expect(wanted.at(-1)).toBe(1_250);
  runtime.advance(600);
  wanted.length = 0;
  watch.endSilent();
  expect(ended).toEqual(['silent idle_timeout', 'talks idle_timeout']);
  expect(wanted).toEqual([]);
});

it('ends whose token ran out, at that time and not before', () => {
  joined('a', 300);
  expect(wanted).toContain(300);
  runtime.advance(299);
  watch.endExpired();
  expect(ended).toEqual([]);
  runtime.advance(1);
  watch.endExpired();
  expect(ended).toEqual(['a unauthenticated']);
});

it('goes by the fresh token of who brought one', () => {
  const session = joined('a', 300);
  joined('b', 400);
  runtime.advance(200);
  watch.renewed(session, { claims: null, expiresInMs: 700 });
  runtime.advance(200);
  watch.endExpired();
  expect(ended).toEqual(['b unauthenticated']);
  expect(wanted.at(-1)).toBe(650);
  watch.renewed(session, { claims: null });
  expect(session.accessUntilMs).toBeNull();
});
