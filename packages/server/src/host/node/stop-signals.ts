import { constants } from 'node:os';
import { AlcoveError } from '@alcove/core/error';
import type { Logger } from '@alcove/core/runtime/logger';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Drain = (signal: NodeJS.Signals) => Promise<void>;

/** Servers of this process that want to drain before it ends. */
const drains = new Set<Drain>();
let stopping = false;

/**
 * Calls `drain` when the process is asked to stop; when all that want to have drained, the process ends as the signal would have ended it, unless the app has
 * listeners of its own for the signal, who then decide. A second signal ends it at once. Returns what takes it back.
 */
export const drainOnSignal = (drain: Drain, log: Logger): (() => void) => {
  const logged: Drain = async (signal) => {
    try {
      await drain(signal);
    } catch (error) {
      log.error('the server did not drain', { reason: AlcoveError.from(error).message });
    }
  };
  if (drains.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  drains.add(logged);
  return () => {
    if (!drains.delete(logged) || drains.size > 0 || stopping) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
};

const onSignal = (signal: NodeJS.Signals): void => {
  if (stopping) return end(signal);
  stopping = true;
  void Promise.all([...drains].map((drain) => drain(signal))).then(() => {
    if (process.listenerCount(signal) === 1) end(signal);
  });
};

/** As if nobody had listened, so that whoever started the process sees the signal. The first process of a container cannot be ended by a signal of its own. */
const end = (signal: NodeJS.Signals): void => {
  for (const other of SIGNALS) process.off(other, onSignal);
  if (process.pid === 1) process.exit(128 + constants.signals[signal]);
  process.kill(process.pid, signal);
};
