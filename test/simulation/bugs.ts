import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { ClientMessageOf } from '@alcove/core/protocol/client-message';
import type { CommitMessage, ServerMessage } from '@alcove/core/protocol/server-message';
import { ACCESS_BUGS } from './access-bugs.ts';
import type { Bug, Sending } from './bug.ts';
import type { Frame } from './network/link.ts';
import { READ_BUGS } from './read-bugs.ts';
import { RELAY_BUGS } from './relay-bugs.ts';
import { STORAGE_BUGS } from './storage-bugs.ts';
import { BrokenDatabase } from './room/broken-database.ts';
import { changedStatement } from './room/wrapped-database.ts';

const LIMITS = { messageBytesMax: 64_000_000 };

/**
 * Each is a mistake that such a system is known to be built with. The simulation has to notice every one of them within a bounded number of seeds, or it is not worth its
 * time; the product as it is must pass the same seeds.
 */
export const BUGS: readonly (() => Bug)[] = [
  () => ({ name: 'ack-before-durable', what: 'the gate opens before the disk has the commit', tellsEarly: true }),
  () => ({
    name: 'dedupe-row-lost',
    what: 'lastMutationId is stored apart from the rows it stands for, and a crash loses it',
    atRestart: (database) => {
      database.prepare('UPDATE alcove_clients SET last_mutation_id = last_mutation_id - 1 WHERE last_mutation_id > 0').run();
    },
  }),
  dropsChangeOnCatchUp,
  resultsAfterCommit,
  resendsUnderNewId,
  forgetsUndo,
  gateOutOfOrder,
  () => ({
    name: 'counter-twice',
    what: 'a counter’s total that is offered again is added again',
    roomDatabase: (database) =>
      new BrokenDatabase(database, /^SELECT total, offer FROM alcove_counters/, (inner) =>
        changedStatement(inner, { get: () => undefined }),
      ),
  }),
  () => ({
    name: 'rejection-forgotten',
    what: 'a final rejection is told and not stored',
    roomDatabase: (database) =>
      new BrokenDatabase(database, /INTO alcove_rejections/, (inner) => changedStatement(inner, { run: () => ({ changes: 1 }) })),
  }),
  () => ({ name: 'ghosts', what: 'nobody is told that somebody left', send: (sending, send) => changed(sending, send, withoutLeavers) }),
  () => ({
    name: 'deletes-lost',
    what: 'what a cascade deletes is not in the change set',
    send: (sending, send) => changed(sending, send, (message) => (message.type === 'commit' ? withoutDeletes(message) : null)),
  }),
  ...STORAGE_BUGS,
  ...ACCESS_BUGS,
  ...READ_BUGS,
  ...RELAY_BUGS,
];

export const bugNamed = (name: string): Bug | undefined => BUGS.map((make) => make()).find((bug) => bug.name === name);

/** Sends another message instead, where `change` answers with one. */
function changed(
  { frame, runtime }: Sending,
  send: (frame: Frame) => void,
  change: (message: ServerMessage) => ServerMessage | null,
): 'done' | undefined {
  const message = decodeServerMessage(frame, runtime, LIMITS);
  const other = message === null ? null : change(message);
  if (other === null) return undefined;
  send(encodeMessage(other, 'json', runtime));
  return 'done';
}

function withoutLeavers(message: ServerMessage): ServerMessage | null {
  if (message.type !== 'presence' || message.reset || message.entries.every(({ state }) => state !== null)) return null;
  return { ...message, entries: message.entries.filter(({ state }) => state !== null) };
}

function withoutDeletes(message: CommitMessage): ServerMessage | null {
  if (!message.changes.some(({ table, deletes }) => table === 'files' && (deletes[0]?.length ?? 0) > 0)) return null;
  return {
    ...message,
    changes: message.changes.map((table) => (table.table === 'files' ? { ...table, deletes: table.deletes.map(() => []) } : table)),
  };
}

function dropsChangeOnCatchUp(): Bug {
  const dropLast = (message: ServerMessage): ServerMessage | null => {
    if (message.type !== 'commit' || message.to - message.from < 2 || message.changes.length === 0) return null;
    return { ...message, changes: message.changes.slice(0, -1) };
  };
  return {
    name: 'change-dropped-on-catch-up',
    what: 'a table’s changes are missing where several versions are merged',
    send: (sending, send) => changed(sending, send, dropLast),
  };
}

function resultsAfterCommit(): Bug {
  const held = new Map<string, Frame[]>();
  return {
    name: 'results-after-commit',
    what: 'results of a group leave after the commit they belong to',
    send: ({ connectionId, frame, runtime }, send) => {
      const message = decodeServerMessage(frame, runtime, LIMITS);
      if (message?.type === 'results') {
        held.set(connectionId, [...(held.get(connectionId) ?? []), frame]);
        return 'done';
      }
      if (message?.type !== 'commit') return undefined;
      send(frame);
      for (const late of held.get(connectionId) ?? []) send(late);
      held.delete(connectionId);
      return 'done';
    },
  };
}

function gateOutOfOrder(): Bug {
  const held = new Map<string, Frame>();
  return {
    name: 'gate-out-of-order',
    what: 'now and then a commit overtakes the one before it',
    send: ({ connectionId, frame, random, runtime }, send) => {
      if (decodeServerMessage(frame, runtime, LIMITS)?.type !== 'commit') return undefined;
      const earlier = held.get(connectionId);
      if (earlier === undefined && random.chance(0.1)) {
        held.set(connectionId, frame);
        return 'done';
      }
      send(frame);
      held.delete(connectionId);
      if (earlier !== undefined) send(earlier);
      return 'done';
    },
  };
}

/** What was pushed on an earlier connection and is pushed again goes under another client. */
function resendsUnderNewId(): Bug {
  const pushed = new Map<string, Set<string>>();
  return {
    name: 'resend-under-new-id',
    what: 'a mutation whose answer was lost is sent again under a new id',
    socket: (socket, { worker, runtime }) => {
      const earlier = new Set(pushed.get(worker));
      const rename = (push: ClientMessageOf<'push'>): ClientMessageOf<'push'> => ({
        ...push,
        mutations: push.mutations.map((mutation) => {
          const name = `${mutation.clientId} ${mutation.mutationId}`;
          pushed.set(worker, (pushed.get(worker) ?? new Set()).add(name));
          return earlier.has(name)
            ? { ...mutation, clientId: `${mutation.clientId}.again${mutation.mutationId}`, mutationId: 1 }
            : mutation;
        }),
      });
      return {
        ...socket,
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (frame) => {
          const message = decodeClientMessage(frame, runtime, LIMITS);
          socket.send(message?.type === 'push' ? encodeMessage(rename(message), 'json', runtime) : frame);
        },
      };
    },
  };
}

/** What an optimistic run changed is not always remembered, so it is not undone. */
function forgetsUndo(): Bug {
  return {
    name: 'undo-forgotten',
    what: 'a pending mutation is not undone before commits are applied',
    tabDatabase: (database, random) =>
      new BrokenDatabase(database, /^SELECT[^]*alcove_capture_\d+[^]*UNION/i, (inner) =>
        changedStatement(inner, { all: (params) => (random.chance(0.05) ? [] : inner.all(params)) }),
      ),
  };
}
