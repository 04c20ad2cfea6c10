import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LimitCounts } from '../../limits/limit-meter.ts';
import type { ReplicaLag } from '../../read/replica.ts';
import type { SyncReport } from '../../read/sync-figures.ts';
import type { BearerGuard } from './bearer-guard.ts';
import { answerJson, answerUnauthorized } from './http-answer.ts';
import type { ProcessFigures } from './server-status.ts';

/** What `/status` of a follower says, as JSON. Names are added in later versions, none goes. */
export interface FollowerFigures {
  readonly role: 'follower';
  /** `behind`: not every room was level with the primary since it was started. */
  readonly status: 'ok' | 'behind';
  /** Wall time of the figures. */
  readonly atMs: number;
  readonly process: ProcessFigures;
  /** Where its primary is. */
  readonly from: string;
  /** Of the room that is furthest behind. */
  readonly lag: ReplicaLag;
  readonly sync: SyncReport;
  /** Its processes that read. */
  readonly readers: { readonly running: number; readonly busy: number; readonly waiting: number };
  readonly limitsMet: LimitCounts;
}

export class FollowerStatusEndpoint {
  readonly #guard: BearerGuard;
  readonly #figures: () => FollowerFigures;

  constructor(guard: BearerGuard, figures: () => FollowerFigures) {
    this.#guard = guard;
    this.#figures = figures;
  }

  owns(path: string): boolean {
    return path === '/status';
  }

  async handle(_: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#guard.refusal(request, 'the figures of a follower want its token or its admin token: Authorization: Bearer …');
    if (refusal === null) answerJson(response, 200, this.#figures());
    else answerUnauthorized(response, refusal);
  }
}
