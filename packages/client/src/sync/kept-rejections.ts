import type { Persistence } from '../storage/persistence.ts';
import type { StorageDamage, StoredRejection, StoredRoom } from '../storage/storage.ts';
import type { TabMessage } from '../tabs/tab-channel.ts';
import type { NoticeBatch } from './notice-batch.ts';

export interface KeptRejectionsOptions {
  readonly disk: Pick<Persistence, 'rejections' | 'dismiss'>;
  readonly notices: Pick<NoticeBatch, 'add'>;
  post(message: TabMessage): void;
  wake(): void;
}

/**
 * What was put aside for people to see, as the disk has it: whichever tab put it there or takes it off, all of them list the same. A tab that is told looks at the
 * disk; one that was not told finds out when the disk is looked at anyway.
 */
export class KeptRejections {
  readonly #options: KeptRejectionsOptions;
  /** Names of those on the disk, as the page was told; null: it was told nothing. */
  #told: Set<string> | null = null;
  /** Written while it was being looked at: that look may have missed them. */
  #written: string[] = [];
  /** Names of what is put aside here, of mutations that the page has not heard of. */
  readonly #unheard = new Set<string>();
  #isLooking = false;
  #isOutdated = false;
  #isClosed = false;

  constructor(options: KeptRejectionsOptions) {
    this.#options = options;
  }

  /** It was read whole. */
  opened({ rejections, damage, isNew }: Pick<StoredRoom, 'rejections' | 'damage' | 'isNew'>): void {
    const keys = rejections.map(({ key }) => key);
    this.#tell(rejections, keys, damage, isNew);
    // Told before there was a disk to look at: it may have been read before that.
    if (this.#isOutdated) void this.look();
  }

  /** The page has not heard of what is put aside under these names: it is told of it like of another tab's, as soon as it is on the disk. */
  unheard(keys: readonly string[]): void {
    for (const key of keys) this.#unheard.add(key);
  }

  /** This tab's are on the disk. */
  written(rejections: readonly StoredRejection[]): void {
    const fresh = rejections.filter(({ key }) => this.#unheard.delete(key));
    if (fresh.length > 0 && this.#told !== null) this.#tell(fresh, [...this.#told, ...fresh.map(({ key }) => key)], [], false);
    for (const { key } of rejections) {
      this.#told?.add(key);
      this.#written.push(key);
    }
    this.#options.post({ type: 'rejections' });
  }

  /** The page took them off its list. */
  dismiss(keys: readonly string[]): void {
    const { disk, post } = this.#options;
    disk.dismiss(keys);
    post({ type: 'dismissed', keys });
  }

  /** That is on the disk: a page that was loaded meanwhile has listed what was there, and heard of nothing. */
  dismissed(): void {
    this.#options.post({ type: 'rejections' });
  }

  /** Another tab's page did. */
  dismissedElsewhere(keys: readonly string[]): void {
    this.#options.notices.add({ type: 'dismissed', keys });
    this.#options.wake();
  }

  /** Finds what came, and what is gone. One look at a time: whoever asks during one gets another. */
  async look(): Promise<void> {
    this.#isOutdated = this.#isLooking || this.#told === null;
    if (this.#isOutdated) return;
    this.#isLooking = true;
    this.#written = [];
    const found = await this.#options.disk.rejections(this.#told ?? new Set());
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (found !== null) this.#tell(found.fresh, [...found.keys, ...this.#written], [], false);
    if (this.#isOutdated) await this.look();
  }

  #tell(fresh: readonly StoredRejection[], keys: readonly string[], damage: readonly StorageDamage[], isAnew: boolean): void {
    const before = this.#told;
    const now = new Set(keys);
    this.#told = now;
    const isSame = before !== null && before.size === now.size && keys.every((key) => before.has(key));
    if (isSame && !isAnew && damage.length === 0) return;
    this.#options.notices.add({ type: 'restored', rejections: fresh, damage, onDisk: { keys: [...now], isAnew } });
    this.#options.wake();
  }

  close(): void {
    this.#isClosed = true;
  }
}
