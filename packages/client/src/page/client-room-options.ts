import type { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { EngineLimits } from '../sync/engine-limits.ts';
import type { EngineHandlers, EnginePort, OpenRequest } from '../worker/engine-port.ts';
import type { RoomKeeping } from './kept-room-place.ts';
import type { Readable } from './observable.ts';

export interface ClientRoomOptions {
  readonly runtime: Runtime;
  readonly url: string;
  readonly groupId: string;
  readonly limits: Partial<EngineLimits>;
  /** Where the room is kept between loads of the page, and the locks that tell whose is what; null: all is gone with the page. */
  readonly keeping: RoomKeeping | null;
  /** Why it is null although rooms were to be kept. */
  readonly notKept?: AlcoveError | null;
  /** Nobody looks at the page. Default: somebody does. */
  readonly hidden?: Readable<boolean>;
  token(): string | null | Promise<string | null>;
  openEngine(request: OpenRequest, handlers: EngineHandlers): EnginePort;
  /** Before anything is opened. What it throws keeps the room from starting. */
  onStarted(): void;
  onClosed(): void;
}
