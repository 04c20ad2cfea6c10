import type { ErrorBody } from '@alcove/core/error';
import type { ImagePlan } from '../../snapshot/image-plan.ts';

/** What a builder process is asked for; plain JSON. */
export interface ImageJob {
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

export interface ImageJobResult {
  readonly version: number;
  readonly hash: string;
  readonly rows: number;
  /** Of the image, and of what is left of it gzipped. */
  readonly bytes: number;
  readonly sha256: string;
  readonly packedBytes: number;
}

export type ImageRequest = { readonly jobId: number; readonly job: ImageJob };
export type ImageReply = { readonly jobId: number } & ({ readonly result: ImageJobResult } | { readonly error: ErrorBody });
