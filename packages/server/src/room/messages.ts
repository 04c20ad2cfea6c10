import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { ClientMessage, ClientMessageOf, PushedMutation } from '@alcove/core/protocol/client-message';
import { decodeClientMessage } from '@alcove/core/protocol/codec';
import { isAllowed } from '../access/access.ts';
import { idOf } from '../ephemeral/debounced-values.ts';
import type { Admission } from './admission.ts';
import type { Connections, RoomStep } from './connections.ts';
import type { RoomParts, StreamParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import type { SessionReads } from './session-reads.ts';
import type { Session } from './sessions.ts';
import { speakFor } from './sessions.ts';
import type { StateSet, StateSets } from './state-sets.ts';
import type { Outcome } from './work.ts';

/** What a message may set off beyond its own session. */
export interface MessageSurroundings {
  readonly parts: RoomParts;
  readonly connections: Connections;
  readonly admission: Admission;
  readonly schedule: Schedule<RoomStep>;
  readonly states: StateSets;
  readonly reads: SessionReads;
  /** Nothing new is taken any more; what was is still told. */
  readonly isDraining: boolean;
  requestFlush(): void;
  refuse(outcome: Outcome): void;
}

/** Reads a frame of a session and does what it says. What it may not say ends the session or is answered with an error; nothing is thrown. */
export function receiveFrame(around: MessageSurroundings, session: Session, frame: string | Uint8Array): void {
  heardOf(around, session);
  if (takesNothing(around.parts, session)) return around.connections.end(session, takesNothingError());
  let message: ClientMessage | null;
  try {
    message = decodeClientMessage(frame, around.parts.runtime, around.parts.limits);
  } catch (error) {
    return around.connections.end(session, AlcoveError.from(error, 'bad_message'));
  }
  if (message !== null) handleMessage(around, session, message, () => heldBytes(frame, message));
}

export const takesNothingError = (): AlcoveError =>
  new AlcoveError('backlog_exceeded', 'the client goes on talking and does not take its answers', { limit: 'subscriberBacklogBytesHard' });

/** About what an answer costs in memory beside its bytes while it waits on a socket. */
const WAITING_ANSWER_BYTES = 512;

/** Whether so much waits on the socket of somebody who makes it more with each message that it is past the bound of the stream, see `nextSession`. */
export function takesNothing(parts: Pick<StreamParts, 'ports' | 'limits'>, session: Session): boolean {
  const bufferedBytes = parts.ports.bufferedBytes(session.connectionId);
  session.saidWhileFull = bufferedBytes === 0 ? 0 : session.saidWhileFull + 1;
  return bufferedBytes + session.saidWhileFull * WAITING_ANSWER_BYTES > parts.limits.subscriberBacklogBytesHard;
}

/** The session gave a sign of life. */
export function heardOf({ parts, connections }: MessageSurroundings, session: Session): void {
  session.heardMs = parts.runtime.monotonicMs();
  connections.ephemeral.heard(session);
}

/** A frame of the session is arriving and not whole yet. */
export function stillArriving(around: MessageSurroundings, session: Session): void {
  heardOf(around, session);
  around.connections.feeds.stream.tellHeldBack(session);
  around.connections.send(session, { type: 'pong', version: around.parts.gate.durable });
}

/** About what a message that waits holds in memory: a deflated frame may be a thousandth of it. */
const heldBytes = (frame: string | Uint8Array, message: ClientMessage): number =>
  typeof frame === 'string' || frame[0] === 0 ? frame.length : JSON.stringify(message).length;

function handleMessage(around: MessageSurroundings, session: Session, message: ClientMessage, bytes: () => number): void {
  const { connections, parts } = around;
  switch (message.type) {
    case 'hello':
      return connections.end(session, new AlcoveError('hello_repeated', 'this connection has said hello already'), 'hello');
    case 'push':
      return push(around, session, message, bytes());
    case 'follow':
      return session.isRelayed ? connections.tellSince(session, message) : connections.feeds.follow(session, message);
    case 'hydrate':
      session.snapshots = message.snapshots;
      return session.isRelayed ? undefined : connections.feeds.rehydrate(session, 'asked');
    case 'heard':
      return heard(around, session, message.clientId, message.upTo);
    case 'bye':
      return bye(around, session, message.clientIds);
    case 'auth':
      return parts.ports.renewAccess(session.connectionId, message.token);
    case 'presence':
    case 'cursor':
    case 'ephemeral':
    case 'value':
      return answered(around, session, message, () => around.states.set(session, message));
    case 'flush':
      around.states.settle(session);
      return answered(around, session, message, () => flush(around, session, message));
    case 'ping':
      connections.feeds.stream.tellHeldBack(session);
      return connections.send(session, {
        type: 'pong',
        version: parts.gate.durable,
        ...(message.at === undefined ? {} : { at: message.at }),
      });
    case 'pong':
      return;
    case 'read':
      return around.reads.ask(session, message);
    case 'readEnd':
      return around.reads.end(session, message.request);
    case 'followLog':
      return connections.feeds.followLog(session, message);
    default:
      return exhaustive(message);
  }
}

/** What was set, once it may be done. */
export function performSet(around: MessageSurroundings, session: Session, message: StateSet): void {
  answered(around, session, message, () =>
    message.type === 'value' ? offer(around, session, message) : around.connections.ephemeral.set(session, message),
  );
}

function push(around: MessageSurroundings, session: Session, { mutations }: ClientMessageOf<'push'>, bytes: number): void {
  const { pushMutationsMax } = around.parts.limits;
  if (mutations.length > pushMutationsMax) {
    const error = new AlcoveError('bad_message', `push.mutations has ${mutations.length} entries; the limit is ${pushMutationsMax}`, {
      limit: 'pushMutationsMax',
    });
    return around.connections.end(session, error, 'push');
  }
  if (around.isDraining) return;
  const nowMs = around.parts.runtime.monotonicMs();
  const taken = admit(around, session, mutations, Math.ceil(bytes / mutations.length));
  around.admission.rates.take(session, taken, nowMs);
  if (taken > 0) around.requestFlush();
  if (taken === mutations.length) return;
  // Who takes a refusal as it is meant waits. Who goes on sending is not read, which slows down nobody else.
  const holdMs = around.admission.rates.refused(session, mutations.length - taken, nowMs);
  if (holdMs > 0) around.parts.ports.hold?.(session.connectionId, holdMs);
}

/** Of each client as many as rates and bounds allow, and a refusal for the rest. @returns how many were admitted. */
function admit(around: MessageSurroundings, session: Session, mutations: readonly PushedMutation[], bytesEach: number): number {
  const { admission, parts } = around;
  const allowed = admission.rates.allow(session, mutations.length, parts.runtime.monotonicMs());
  const refused = new Set<string>();
  let taken = 0;
  for (const mutation of mutations) {
    const { clientId } = mutation;
    if (refused.has(clientId)) continue;
    const outcome =
      allowed.error !== null && taken >= allowed.count
        ? admission.refused(session, mutation, allowed.error)
        : admission.push(session, mutation, bytesEach, mayBeForgotten(around, session, clientId));
    if (!session.clients.has(clientId)) speakFor(session, clientId);
    if (outcome === null) {
      taken += 1;
    } else {
      refused.add(clientId);
      around.refuse(outcome);
    }
  }
  return taken;
}

/** Of a client that hello did not name it is not known when it was welcomed first: once anybody was forgotten, it may be one of those. */
function mayBeForgotten({ parts }: MessageSurroundings, session: Session, clientId: string): boolean {
  return session.clients.has(clientId) ? session.forgotten.has(clientId) : parts.meta.read().forgottenVersion >= 0;
}

/** What hello calls confirmed its client has seen the results of: those rejections are heard of. */
export function heardByHello(around: MessageSurroundings, session: Session): void {
  for (const { clientId, confirmed } of session.clients.values()) if (confirmed > 0) heard(around, session, clientId, confirmed);
}

/** What is heard frees something and tells nobody: it waits for the next flush, or for a while. */
function heard({ admission, schedule, parts }: MessageSurroundings, session: Session, clientId: string, upTo: number): void {
  // So what waits to be forgotten is no more than what is stored.
  if (parts.clients.rejectionCount(clientId) === 0) return;
  admission.heard(upTo, ownerOf(session, clientId));
  schedule.want('flush', parts.runtime.monotonicMs() + parts.limits.heardDelayMs);
}

function bye(around: MessageSurroundings, session: Session, clientIds: readonly string[]): void {
  around.connections.remove(session, true);
  for (const clientId of clientIds) around.admission.bye(ownerOf(session, clientId));
  around.requestFlush();
}

function offer(around: MessageSurroundings, session: Session, message: ClientMessageOf<'value'>): void {
  const answer = around.connections.ephemeral.offer(session, message);
  around.connections.send(session, answer);
  if (around.parts.values.isPressed(around.parts.runtime.monotonicMs())) {
    around.parts.meter.met('unwrittenValueBytesMax');
    return around.requestFlush();
  }
  const dueMs = around.parts.values.nextDueMs;
  if (dueMs !== null) around.schedule.want('flush', dueMs);
}

/** A commit more than the interval allows is a write: for those who may set the value. @throws AlcoveError `forbidden` */
function flush({ admission, requestFlush }: MessageSurroundings, { access }: Session, { name, key }: ClientMessageOf<'flush'>): void {
  if (!isAllowed(access, { kind: 'value', name, key }))
    throw new AlcoveError('forbidden', `this user may not have the value ${name} written`);
  admission.flushValues([idOf(name, key)]);
  requestFlush();
}

type Answered = ClientMessageOf<'presence' | 'cursor' | 'ephemeral' | 'value' | 'flush'>;

/** Sends what went wrong back to the session, which goes on unless the code ends it. */
function answered(around: MessageSurroundings, session: Session, message: Answered, handle: () => void): void {
  try {
    handle();
  } catch (cause) {
    const error = AlcoveError.from(cause);
    around.parts.meter.saw(error);
    // It is told of each one too many, so it had better say less.
    if (error.code === 'rate_limited') around.parts.ports.hold?.(session.connectionId, error.retryAfterMs ?? 0);
    if (error.code === 'internal') return around.connections.end(session, error, message.type);
    // No fault of the offer: welcome has said that this client must go on as another one, and that one offers it again.
    if (error.code === 'client_unknown') return around.connections.send(session, { type: 'error', ...error.toBody() });
    const named = 'name' in message ? { name: message.name, key: message.key } : {};
    const offered = message.type === 'value' ? { offer: message.offer } : {};
    around.connections.send(session, { type: 'error', ...error.toBody(), re: message.type, ...named, ...offered });
  }
}

const ownerOf = ({ groupId, subject }: Session, clientId: string): { clientId: string; groupId: string; subject: string } => ({
  clientId,
  groupId,
  subject,
});
