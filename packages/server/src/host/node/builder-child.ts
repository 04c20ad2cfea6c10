/**
 * A process of its own that builds images and seeds and copies rooms, one job after the other, until its parent goes. SQLite's work blocks a thread and only the end of a
 * process stops it: here it blocks nobody, and the parent ends it with SIGKILL when it takes too long.
 */
import { setPriority } from 'node:os';
import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { BuilderJob, BuilderReply, BuilderRequest, BuilderResult } from './builder-job.ts';
import { endWithParent } from './end-with-parent.ts';
import { runCopyJob } from './run-copy-job.ts';
import { runImageJob } from './run-image-job.ts';
import { runSeedJob } from './run-seed-job.ts';

/** Below the process that serves the rooms: a commit goes before a snapshot. */
const BUILDER_PRIORITY = 5;

const run = async (job: BuilderJob): Promise<BuilderResult> => {
  switch (job.kind) {
    case 'image':
      return runImageJob(job);
    case 'seed':
      return runSeedJob(job);
    case 'copy':
      return runCopyJob(job);
    default:
      return exhaustive(job);
  }
};

const reply = (answer: BuilderReply): void => {
  process.send?.(answer);
};

try {
  setPriority(BUILDER_PRIORITY);
} catch {
  // not allowed here: it runs at the ordinary priority
}
endWithParent();
process.on('message', (request: BuilderRequest) => {
  const { jobId, job } = request;
  run(job).then(
    (result) => reply({ jobId, result }),
    (error: unknown) => reply({ jobId, error: AlcoveError.from(error, 'snapshot_failed').toBody() }),
  );
});
