import type { ErrorBody } from '@alcove/core/error';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { ImagePlan } from '../../snapshot/image-plan.ts';

/** What a builder process is asked for; plain JSON. */
export type BuilderJob = ImageJob | SeedJob | CopyJob;

export interface ImageJob {
  readonly kind: 'image';
  /** The room's database file; it may be open and written meanwhile. */
  readonly roomPath: string;
  /** Where the image is made, and where it stands gzipped when the job is done. Neither exists before. */
  readonly imagePath: string;
  readonly packedPath: string;
  /** The history and schema asked for; a file of another one is refused. */
  readonly historyId: string;
  readonly schema: string;
  readonly plan: ImagePlan;
}

export interface ImageResult {
  readonly version: number;
  readonly hash: string;
  readonly rows: number;
  /** Of the image, and of what is left of it gzipped. */
  readonly bytes: number;
  readonly sha256: string;
  readonly packedBytes: number;
}

/** Makes a file that new rooms are copied from out of a SQLite file that somebody brought. */
export interface SeedJob {
  readonly kind: 'seed';
  readonly sourcePath: string;
  /** Does not exist before; is whole when the job is done. */
  readonly templatePath: string;
  readonly model: RoomModel;
}

export interface SeedResult {
  readonly rows: number;
  readonly bytes: number;
}

/** Copies a room's file as it is, for a follower. */
export interface CopyJob {
  readonly kind: 'copy';
  /** It may be open and written meanwhile. */
  readonly roomPath: string;
  /** Does not exist before. */
  readonly copyPath: string;
  /** Tables that stay in the room: they are not followed, so their rows would be old soon. */
  readonly emptied: readonly string[];
}

export interface CopyResult {
  readonly bytes: number;
}

export type BuilderResult = ImageResult | SeedResult | CopyResult;

export type ResultOf<Job extends BuilderJob> = Job extends ImageJob ? ImageResult : Job extends SeedJob ? SeedResult : CopyResult;

export type BuilderRequest = { readonly jobId: number; readonly job: BuilderJob };
export type BuilderReply = { readonly jobId: number } & ({ readonly result: BuilderResult } | { readonly error: ErrorBody });
