/**
 * A process of its own that builds images, one job after the other, until its parent goes. SQLite's work blocks a thread and only the end of a process stops it:
 * here it blocks nobody, and the parent ends it with SIGKILL when it takes too long.
 */
import { setPriority } from 'node:os';
import { AlcoveError } from '@alcove/core/error';
import { runImageJob } from './run-image-job.ts';
import type { ImageReply, ImageRequest } from './image-job.ts';

/** Below the process that serves the rooms: a commit goes before a snapshot. */
const BUILDER_PRIORITY = 5;

const reply = (answer: ImageReply): void => {
  process.send?.(answer);
};

try {
  setPriority(BUILDER_PRIORITY);
} catch {
  // not allowed here: images are built at the ordinary priority
}
process.on('disconnect', () => process.exit(0));
process.on('message', (request: ImageRequest) => {
  const { jobId, job } = request;
  runImageJob(job).then(
    (result) => reply({ jobId, result }),
    (error: unknown) => reply({ jobId, error: AlcoveError.from(error, 'snapshot_failed').toBody() }),
  );
});
