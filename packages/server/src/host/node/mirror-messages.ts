import type { ErrorBody } from '@alcove/core/error';
import type { LogFields } from '@alcove/core/runtime/logger';
import type { MirrorFigures } from '../postgres/mirror-figures.ts';
import type { MirrorSettings, MovedRoom } from '../postgres/mirror.ts';
import type { MirroredAddress } from '../postgres/mirrored-room.ts';

/** What a mirror process is told first. Not among its arguments: they can be read by others, and it holds a password. */
export interface MirrorOrders extends MirrorSettings {
  readonly dataDir: string;
}

/**
 * To the mirror process. `moved` is acknowledged (`taken`) before the next is sent, so that what a process that stands still has not read stays one message. Requests are answered by `done` or `failed`.
 */
export type MirrorRequest =
  | { readonly kind: 'start'; readonly orders: MirrorOrders }
  | { readonly kind: 'moved'; readonly rooms: readonly MovedRoom[] }
  | { readonly kind: 'holdOff'; readonly request: number; readonly room: MirroredAddress }
  | { readonly kind: 'letGo'; readonly request: number }
  | { readonly kind: 'resync' | 'check'; readonly request: number; readonly room: MirroredAddress }
  | { readonly kind: 'drain'; readonly request: number }
  | { readonly kind: 'upToDate'; readonly request: number; readonly error: ErrorBody | null };

/** From it. `figures` come every second or so. `bringUpToDate` is answered by `upToDate`. */
export type MirrorReply =
  | { readonly kind: 'taken' }
  | { readonly kind: 'figures'; readonly figures: MirrorFigures }
  | { readonly kind: 'ready'; readonly secret: Uint8Array }
  | { readonly kind: 'log'; readonly level: 'error' | 'info' | 'debug'; readonly message: string; readonly fields: LogFields }
  | { readonly kind: 'bringUpToDate'; readonly request: number; readonly room: MirroredAddress }
  | { readonly kind: 'done'; readonly request: number; readonly differed: readonly string[] }
  | { readonly kind: 'failed'; readonly request: number; readonly error: ErrorBody };
