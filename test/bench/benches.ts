import { coldOpenBench } from './cold-open.bench.ts';
import { commitBench } from './commit.bench.ts';
import { fanOutBench } from './fan-out.bench.ts';
import { followerLagBench } from './follower-lag.bench.ts';
import { offloadBench } from './offload.bench.ts';
import { debounceBench } from './debounce.bench.ts';
import { followerFanOutBench } from './follower-fanout.bench.ts';
import { mirrorLagBench } from './mirror-lag.bench.ts';
import { pgReadsBench } from './pg-reads.bench.ts';
import { floodBench } from './flood.bench.ts';
import { liveUpdateBench } from './live-update.bench.ts';
import { localEchoBench } from './local-echo.bench.ts';
import { memoryBench } from './memory.bench.ts';
import type { Bench } from './measure.ts';
import { outboxBench } from './outbox.bench.ts';
import { persistBench } from './persist.bench.ts';
import { rebaseBench } from './rebase.bench.ts';
import { readsBench } from './reads.bench.ts';
import { rulesBench } from './rules.bench.ts';
import { snapshotRulesBench } from './snapshot-rules.bench.ts';
import { tabToTabBench } from './tab-to-tab.bench.ts';
import { writerUnderReadsBench } from './writer-under-reads.bench.ts';
import { warmOpenBench } from './warm-open.bench.ts';

/** All benches, in the order they run. */
export const benches: readonly Bench[] = [
  coldOpenBench,
  warmOpenBench,
  liveUpdateBench,
  persistBench,
  outboxBench,
  rebaseBench,
  localEchoBench,
  commitBench,
  fanOutBench,
  rulesBench,
  snapshotRulesBench,
  floodBench,
  readsBench,
  writerUnderReadsBench,
  debounceBench,
  offloadBench,
  followerLagBench,
  followerFanOutBench,
  mirrorLagBench,
  pgReadsBench,
  tabToTabBench,
  memoryBench,
];
