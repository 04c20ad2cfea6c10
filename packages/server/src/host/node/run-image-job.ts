import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AlcoveError } from '@alcove/core/error';
import { buildImage } from './build-image.ts';
import type { ImageJob, ImageResult } from './builder-job.ts';

/** Level 6 takes half as long again for 3 % of size. */
export const GZIP_LEVEL = 4;

/**
 * Builds one image and gzips it. Leaves only `packedPath`, or nothing where it throws.
 *
 * @throws AlcoveError `snapshot_failed`, or what the driver and the file system throw.
 */
export const runImageJob = async (job: ImageJob): Promise<ImageResult> => {
  try {
    const { version, hash, rows } = buildImage(job);
    const packed = await pack(job);
    return { version, hash, rows, ...packed };
  } catch (error) {
    await rm(job.packedPath, { force: true });
    throw error;
  } finally {
    for (const ending of ['', '-journal', '-wal', '-shm']) await rm(job.imagePath + ending, { force: true });
  }
};

const pack = async (job: ImageJob): Promise<Pick<ImageResult, 'bytes' | 'sha256' | 'packedBytes'>> => {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    createReadStream(job.imagePath, { highWaterMark: 1 << 20 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    createGzip({ level: GZIP_LEVEL }),
    createWriteStream(job.packedPath, { flags: 'wx' }),
  );
  await refuseWalMode(job.imagePath);
  return { bytes, sha256: hash.digest('hex'), packedBytes: (await stat(job.packedPath)).size };
};

/** An engine without shared memory (a browser's) cannot open a file that is marked for WAL. */
const refuseWalMode = async (path: string): Promise<void> => {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 18);
    if (buffer[0] !== 1 || buffer[1] !== 1) throw new AlcoveError('snapshot_failed', 'the image is marked for WAL');
  } finally {
    await file.close();
  }
};
