import type { Timer } from '@alcove/core/runtime/runtime';

/** Node's; browsers have none. */
const { setImmediate: setTask } = globalThis as { setImmediate?: (fn: () => void) => unknown }; // this file compiles without Node's types

const waiting: (() => void)[] = [];
let channel: MessageChannel | null = null;

/**
 * Calls `fn` once what has arrived already had its turn. Timers are no use for that: Node makes 1 ms of 0, a browser 4 ms after a few in a row, and the engine
 * takes many short turns.
 */
export function callSoon(fn: () => void): Timer {
  let isCancelled = false;
  const call = (): void => {
    if (!isCancelled) fn();
  };
  if (setTask !== undefined) setTask(call);
  else post(call);
  return {
    cancel() {
      isCancelled = true;
    },
  };
}

/** Each message to ourselves calls one: a task of its own, like a timer's. */
function post(call: () => void): void {
  if (channel === null) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  waiting.push(call);
  channel.port2.postMessage(null);
}
