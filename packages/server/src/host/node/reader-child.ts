/**
 * A process of its own that runs the SQL of users, one read after the other, until its parent goes. It holds nothing that reads share but handles on rooms' files, each of
 * one class of readers, and ends itself where it takes too much memory.
 */
import { AlcoveError } from '@alcove/core/error';
import { silentLogger } from '@alcove/core/runtime/logger';
import { endWithParent } from './end-with-parent.ts';
import { createNodeRuntime } from './node-runtime.ts';
import type { ReaderAnswer, ReaderJob, ReaderReply, ReaderRequest, ReaderSettings } from './reader-job.ts';
import { ReaderHandles } from './reader-handles.ts';
import { ReaderWatch } from './reader-watch.ts';

/** Of a read of nothing, which takes about as many microseconds. */
const CHECK_TIMEOUT_MS = 1_000;

const settings = JSON.parse(process.argv[2] ?? '{}') as ReaderSettings; // of ReaderProcess
const handles = new ReaderHandles(settings, createNodeRuntime({ log: silentLogger }));

const reply = (message: ReaderReply): void => {
  // A parent that is gone hears nothing any more; `disconnect` follows.
  process.send?.(message, undefined, undefined, () => undefined);
};

const answer = (job: ReaderJob): ReaderAnswer => {
  if (job !== null) return 'digest' in job ? handles.digest(job) : handles.read(job);
  handles.check();
  return null;
};

function run(watch: ReaderWatch, { jobId, job }: ReaderRequest): void {
  watch.begin(job?.bounds.timeoutMs ?? CHECK_TIMEOUT_MS);
  try {
    const done = answer(job);
    reply({ kind: 'done', jobId, answer: done, isSpent: watch.isSpent });
  } catch (error) {
    const failure = AlcoveError.from(error);
    reply({ kind: 'failed', jobId, error: failure.toBody(), limit: failure.limit, isSpent: watch.isSpent });
  } finally {
    watch.end();
  }
}

endWithParent();
const watch = await ReaderWatch.start(settings.heapBytesMax);
process.on('message', (request: ReaderRequest) => run(watch, request));
reply({ kind: 'ready' });
