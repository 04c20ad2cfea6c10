import type { SyncEngine } from './engine-interface.ts';
import type { ToldRejection } from './engine-storage.ts';
import type { KeptRoom } from './kept-room.ts';
import { StateCalls } from './state-calls.ts';

/** The part of an engine that passes on what concerns the disk alone; where nothing is kept, nothing. */
export abstract class KeptCalls extends StateCalls implements Pick<SyncEngine, 'adoptStored' | 'putAside' | 'dismiss'> {
  /** Null: all is gone with this engine. */
  protected abstract readonly kept: KeptRoom | null;

  adoptStored(clientId: string): void {
    this.kept?.adoptStored(clientId);
  }

  putAside(rejections: readonly ToldRejection[]): void {
    if (!this.isClosed) this.kept?.flow.carriedOver(rejections);
  }

  dismiss(keys: readonly string[]): void {
    if (!this.isClosed) this.kept?.flow.rejections.dismiss(keys);
  }
}
