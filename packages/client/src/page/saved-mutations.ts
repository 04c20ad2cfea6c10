import type { AlcoveError } from '@alcove/core/error';
import { rejectionKey, type StoredNotice, type ToldRejection } from '../sync/engine-storage.ts';
import type { TrackedMutation } from './mutation-handle.ts';
import { TakenMutations } from './taken-mutations.ts';

/** Which of a page's mutations are known to be on the disk, or are as safe as they get because nothing is kept: those are told that they are saved. */
export class SavedMutations {
  readonly #taken: TakenMutations;
  /** Up to which id a client's mutations are on the disk. */
  readonly #upTo = new Map<string, number>();
  /** Rejected ones, until the disk is known to have their rejection. */
  readonly #unkept = new TakenMutations();
  #isKept: boolean;

  /** `taken`: those that the engine has. `isKept`: the outbox is on a disk. */
  constructor(taken: TakenMutations, isKept: boolean) {
    this.#taken = taken;
    this.#isKept = isKept;
  }

  /** Whether the outbox is on a disk. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** They are on the disk. Gives the names there of those whose rejection is. */
  stored({ clientId, from = 1, upTo, areRejected = false }: StoredNotice): string[] {
    const rejected: string[] = [];
    const savedUpTo = this.#upTo.get(clientId) ?? 0;
    this.#upTo.set(clientId, Math.max(savedUpTo, upTo));
    for (const mutation of this.#taken.between(clientId, savedUpTo + 1, upTo)) mutation.saved();
    for (const [mutationId, mutation] of this.#unkept.of(clientId)) {
      if (mutationId < from || mutationId > upTo) continue;
      mutation.saved();
      // Of one that was told while it was still pending on the disk, that it was rejected is not there yet.
      if (!areRejected) continue;
      this.#unkept.settle(clientId, mutationId);
      rejected.push(rejectionKey({ clientId, mutationId }));
    }
    return rejected;
  }

  /** Nothing is kept (any more). */
  keepNothing(): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    for (const mutation of [...this.#taken.all(), ...this.#unkept.all()]) mutation.saved();
    this.#unkept.clear();
  }

  /** The engine has it; the disk's word may have come before. */
  taken(clientId: string, mutationId: number, mutation: TrackedMutation): void {
    if (this.#isSaved(clientId, mutationId)) mutation.saved();
  }

  /**
   * `local` waits for the disk, which has the mutation or what became of it: a line that goes with the page was never there. What became of it is carried on until
   * the disk has that: a next engine takes what has ended off the disk.
   */
  rejected(clientId: string, mutationId: number, mutation: TrackedMutation): void {
    if (this.#isSaved(clientId, mutationId)) mutation.saved();
    if (this.#isKept) this.#unkept.of(clientId).set(mutationId, mutation);
  }

  /** Rejections that are nowhere but on this page. */
  unkept(): ToldRejection[] {
    return this.#unkept.told();
  }

  /** Nobody will hear of the rest. */
  endAll(error: AlcoveError): void {
    for (const mutation of this.#unkept.all()) mutation.unkept(error);
    this.#unkept.clear();
  }

  #isSaved(clientId: string, mutationId: number): boolean {
    return !this.#isKept || mutationId <= (this.#upTo.get(clientId) ?? 0);
  }
}
