import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { classOf } from '../../packages/server/src/access/reader-class.ts';
import { buildImage } from '../../packages/server/src/host/node/build-image.ts';
import type { ImageJob } from '../../packages/server/src/host/node/builder-job.ts';
import { DataDir } from '../../packages/server/src/host/node/data-dir.ts';
import { createNodeRuntime } from '../../packages/server/src/host/node/node-runtime.ts';
import { openRawDatabase } from '../../packages/server/src/host/node/raw-database.ts';
import { GZIP_LEVEL, runImageJob } from '../../packages/server/src/host/node/run-image-job.ts';
import { imagePlan } from '../../packages/server/src/snapshot/image-plan.ts';
import { ruledTrip } from './bench-room.ts';
import { type Bench, figureOf, interleave } from './measure.ts';
import { tripSeedFile } from './trip-seed-file.ts';

const OF = 'for a class that sees every second of 138,398 cities; CPU of this process and its threads';

/** The image of a class of readers, against copying the same rows by hand. */
export const snapshotRulesBench: Bench = {
  name: 'snapshot-rules',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    try {
      say('once the cities, and a room of them');
      const job = await jobIn(folder);
      const built = await interleave(
        runs,
        () => cpuMs(() => buildImage(job), job.imagePath),
        () => cpuMs(() => copyRaw(job), job.imagePath),
      );
      const packed = await interleave(
        runs,
        () => cpuMs(() => runImageJob(job), job.packedPath),
        () =>
          cpuMs(
            async () => {
              copyRaw(job);
              await packRaw(job);
            },
            job.imagePath,
            job.packedPath,
          ),
      );
      return [
        figureOf(
          {
            name: 'snapshot-rules',
            unit: 'ms CPU',
            what: `the image ${OF}: rows, indexes, capture, counted and looked at; floor: the same tables, INSERT … SELECT … WHERE and indexes, raw into a file`,
          },
          built,
        ),
        figureOf(
          {
            name: 'snapshot-rules-packed',
            unit: 'ms CPU',
            what: `the whole job of the image ${OF}: as above, summed and gzipped; floor: as above, the file summed and gzipped at the same level`,
          },
          packed,
        ),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function cpuMs(work: () => unknown, ...made: readonly string[]): Promise<number> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  for (const path of made) rmSync(path);
  return (user + system) / 1_000;
}

/** Makes the room, as a server does, and the job that a server would give its builder. */
async function jobIn(folder: string): Promise<ImageJob> {
  const server = await createServer({
    rooms: [ruledTrip],
    dataDir: folder,
    seed: await tripSeedFile(),
    port: 0,
    log: silentLogger,
    signals: false,
  });
  await server.rooms.create(ruledTrip.name, 'half');
  await server.close();
  const roomPath = new DataDir(folder).roomFiles({ name: ruledTrip.name, id: 'half' }).database;
  const reader = classOf(ruledTrip, { half: 0 }, createNodeRuntime({ log: silentLogger }), new Uint8Array(32));
  const plan = imagePlan(ruledTrip.model, reader);
  const room = openRawDatabase(roomPath, 0);
  const [{ historyId = '' } = {}] = room.prepare("SELECT value AS historyId FROM alcove_meta WHERE name = 'historyId'").all() as {
    historyId?: string;
  }[]; // the column that was asked for
  room.close();
  const imagePath = join(folder, 'image.sqlite');
  return { kind: 'image', roomPath, imagePath, packedPath: `${imagePath}.gz`, historyId, schema: ruledTrip.model.schemaId, plan };
}

function copyRaw({ roomPath, imagePath, plan }: ImageJob): void {
  const database = openRawDatabase(imagePath, 0);
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; ATTACH '${roomPath}' AS room; BEGIN`);
  for (const { createSql, copySql, copyParams } of plan.tables) {
    database.exec(createSql);
    database.prepare(copySql).run(...copyParams.map((value) => (typeof value === 'number' ? BigInt(value) : value)));
  }
  for (const sql of plan.indexSql) database.exec(sql);
  database.exec('COMMIT; DETACH room');
  database.close();
}

async function packRaw({ imagePath, packedPath }: ImageJob): Promise<void> {
  const hash = createHash('sha256');
  const bytes = createReadStream(imagePath, { highWaterMark: 1 << 20 });
  bytes.on('data', (chunk) => hash.update(chunk));
  await pipeline(bytes, createGzip({ level: GZIP_LEVEL }), createWriteStream(packedPath));
  hash.digest('hex');
}
