import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Logger } from '@alcove/core/runtime/logger';
import type { StateRefusedNotice, SyncEngine } from '../sync/engine-interface.ts';
import type { EngineOrder } from './engine-port.ts';

/** Hands an order to the engine it is for. Throws what the engine throws. */
export function performOrder(engine: SyncEngine, order: EngineOrder): void {
  switch (order.type) {
    case 'watch':
      return engine.watch(order.queryId, order.query);
    case 'unwatch':
      return engine.unwatch(order.queryId);
    case 'endServerRead':
      return engine.endServerRead(order.call);
    case 'adopt':
      return engine.adopt(order.clients, order.mutations);
    case 'heard':
      return engine.heard(order.clientId, order.upTo);
    case 'discard':
      return engine.discard(order.clientId, order.again);
    case 'adoptStored':
      return engine.adoptStored(order.clientId);
    case 'putAside':
      return engine.putAside(order.rejections);
    case 'dismiss':
      return engine.dismiss(order.keys);
    case 'presence':
      return engine.setPresence(order.state);
    case 'cursor':
      return engine.setCursor(order.state);
    case 'ephemeral':
      return engine.setEphemeral(order.name, order.key, order.state);
    case 'watchValue':
      return engine.watchValue(order.name, order.key);
    case 'unwatchValue':
      return engine.unwatchValue(order.name, order.key);
    case 'flushValue':
      return engine.flushValue(order.name, order.key);
    case 'setValue':
      return engine.setValue(order.name, order.key, order.value, order.change);
    case 'restoreCounter':
      return engine.restoreCounter(order.name, order.key, order.totals, order.change);
    case 'addToCounter':
      return engine.addToCounter(order.name, order.key, order.delta, order.change);
    case 'hint':
      return engine.hint(order.hint);
    case 'start':
      return engine.start(order.connect);
    case 'leave':
      return engine.leave();
    case 'close':
      return engine.close();
    default:
      return exhaustive(order);
  }
}

/** Which part of the engine's state an order that threw was about, so that the page can tell whoever set it. */
export function refusedBy(order: EngineOrder): Pick<StateRefusedNotice, 'what' | 'name' | 'key' | 'change'> | null {
  switch (order.type) {
    case 'presence':
    case 'cursor':
      return { what: order.type, name: null, key: null, change: order.change };
    case 'ephemeral':
      return { what: 'ephemeral', name: order.name, key: order.key, change: order.change };
    case 'setValue':
    case 'addToCounter':
    case 'restoreCounter':
      return { what: 'value', name: order.name, key: order.key, change: order.change };
    case 'watchValue':
      return { what: 'value', name: order.name, key: order.key };
    default:
      return null;
  }
}

/** Runs mutations until one fails; see `EnginePort.mutate`. The error has what the mutator threw as its cause, which stays in this thread. */
export function performMutations(
  engine: SyncEngine,
  mutations: readonly Mutation[],
): { readonly taken: number; readonly error: AlcoveError | null } {
  for (const [index, mutation] of mutations.entries()) {
    try {
      engine.mutate(mutation);
    } catch (error) {
      return { taken: index, error: AlcoveError.from(error) };
    }
  }
  return { taken: mutations.length, error: null };
}

/** Of a mutator that threw by mistake, where it did: the error that crosses to the page has no stack of it. A refusal is no mistake. */
export function tellThrown(error: AlcoveError, { name }: Pick<Mutation, 'name'>, log: Logger): void {
  const { code, cause } = error;
  if (code === 'mutator_failed' && cause instanceof Error && !(cause instanceof AlcoveError))
    log.error(`the mutator ${name} threw: ${cause.stack ?? cause.message}`);
}
