import { exhaustive } from '@alcove/core/error';
import type { ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { SessionFacts } from './engine-status.ts';
import type { MutationFlow } from './mutation-flow.ts';
import type { ReplicaFlow } from './replica-flow.ts';
import type { ServerReads } from './server-reads.ts';
import type { StateFlow } from './state-flow.ts';

export interface MessageTakers {
  readonly facts: SessionFacts;
  readonly mutations: MutationFlow;
  readonly siblings: Pick<SiblingMutations, 'takeResults'>;
  readonly replica: ReplicaFlow;
  readonly states: StateFlow;
  readonly reads: Pick<ServerReads, 'take'>;
  welcome(message: ServerMessageOf<'welcome'>): void;
  setUser(user: ServerMessageOf<'user'>['user']): void;
  /** There is something for the next turn. */
  wake(): void;
}

/** Hands a message of the room to the flow it concerns. */
export function takeMessage(message: ServerMessage, to: MessageTakers): void {
  switch (message.type) {
    case 'welcome':
      return to.welcome(message);
    case 'rehydrate':
      return to.replica.rehydrate(message);
    case 'results':
      to.mutations.outbox.takeResults(message.results);
      // The group hears the results of its other tabs' mutations, too.
      if (to.facts.historyId !== null) to.siblings.takeResults(to.facts.historyId, message.results);
      return to.wake();
    case 'refused':
      to.mutations.refused(message);
      return to.wake();
    case 'commit':
      to.facts.saw(message.to);
      return to.replica.commit(message);
    case 'snapshotBegin':
    case 'snapshotRows':
    case 'snapshotEnd':
      return to.replica.snapshot(message);
    case 'presence':
    case 'cursors':
    case 'ephemeral':
    case 'values':
    case 'valueTaken':
      return to.states.take(message);
    case 'readRows':
    case 'readFailed':
      return to.reads.take(message);
    case 'user':
      return to.setUser(message.user);
    case 'ping':
    case 'pong':
      if (message.version !== undefined) to.facts.saw(message.version);
      if (message.type === 'pong') to.replica.pong(message.at);
      return to.wake();
    case 'error':
      to.states.refused(message);
      return;
    // The connection's own business.
    case 'coming':
    case 'records':
      return;
    default:
      return exhaustive(message);
  }
}
