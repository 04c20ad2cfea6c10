import type { Outbox } from '../outbox/outbox.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import type { SyncEngineOptions } from './engine-interface.ts';
import type { EngineLimits } from './engine-limits.ts';

/** What a run of a mutator here is given. What is condemned is so under every name it goes by later. */
export function runOptionsOf(
  { runtime, room, condemned = [] }: Pick<SyncEngineOptions, 'runtime' | 'room' | 'condemned'>,
  limits: EngineLimits,
  outbox: Pick<Outbox, 'currentName'>,
): RunOptions {
  const { mutationRowsMax: rowsMax, mutationStatementsMax: statementsMax, mutationTimeMs: timeBudgetMs } = limits;
  return {
    runtime,
    room,
    limits: { rowsMax, statementsMax, timeBudgetMs },
    isSkipped: ({ clientId, mutationId }) =>
      condemned.some((given) => {
        const name = outbox.currentName(given);
        return name.clientId === clientId && name.mutationId === mutationId;
      }),
  };
}
