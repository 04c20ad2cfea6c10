import { commitBench } from './commit.bench.ts';
import { fanOutBench } from './fan-out.bench.ts';
import { liveUpdateBench } from './live-update.bench.ts';
import type { Bench } from './measure.ts';

/** All benches, in the order they run. */
export const benches: readonly Bench[] = [liveUpdateBench, commitBench, fanOutBench];
