import { resolveHostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import type { Prng } from '../../fake/prng.ts';
import type { HostOptions } from '../room/room-host.ts';
import type { RunPlan } from './swarm.ts';

/** How the server of a run is set up. */
export const hostOptions = (plan: RunPlan, random: Prng): HostOptions => ({
  limits: plan.roomLimits,
  durability: plan.faults.has('laterDisk') ? 'later' : 'atOnce',
  flushDelayMaxMs: random.pick([0.2, 5, 40]),
  diskDelayMaxMs: random.pick([2, 20, 150]),
  images: plan.images,
  reads: plan.reads,
  holds: plan.relay,
  hostLimits: resolveHostLimits(plan.hostLimits),
});
