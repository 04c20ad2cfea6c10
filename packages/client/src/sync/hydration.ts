import { AlcoveError } from '@alcove/core/error';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { ImageHydration } from '../replica/hydrate-image.ts';
import { RowsHydration } from '../replica/hydrate-rows.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import type { ByteProgress, FetchedImage, FetchImage, HydrationProgress } from './engine-interface.ts';

export interface HydrationPorts {
  readonly runtime: Runtime;
  readonly model: RoomModel;
  /** As the newest welcome said. */
  roomSchema(): string;
  /** An image of which nothing came for so long is given up. */
  readonly imageStallMs: number;
  openDatabase(image: Uint8Array | null): Database;
  readonly fetchImage: FetchImage | null;
  /** There is something for `step`. */
  wake(): void;
  /** The last row of a snapshot came: the stream goes on from there, though the rows are not in the database yet. */
  onStream(position: ReplicaPosition): void;
  /** A database that holds the room at `position`, made of an image (the room has to be told to go on from there) or, null, of rows. */
  onReady(database: Database, position: ReplicaPosition, image: SnapshotImage | null): void;
  /** The snapshot did not come whole; another has to be asked for. */
  onFailed(error: AlcoveError, by: 'image' | 'rows'): void;
}

/** A snapshot's bytes as they came, checked. */
export interface SnapshotImage {
  readonly bytes: Uint8Array;
  /** Lower-case hex. */
  readonly sha256: string;
}

type ImageOffer = NonNullable<ServerMessageOf<'welcome'>['image']>;

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'awaitingRows' }
  | { readonly kind: 'fetching'; readonly abort: AbortController; bytes: number; bytesTotal: number | null }
  | { readonly kind: 'image'; readonly work: ImageHydration; readonly bytes: number }
  | { readonly kind: 'rows'; readonly work: RowsHydration };

const NONE: State = { kind: 'none' };

/**
 * How a snapshot gets into a fresh database, beside the one that is shown: fetched as an image or taken as rows, in steps that the engine calls as it has
 * time. One at a time; a new one ends the one before, whose late answers are dropped. An image is fetched over HTTP and outlives its session.
 */
export class Hydration {
  readonly #ports: HydrationPorts;
  #state: State = NONE;
  #stall: Timer | null = null;
  /** View of the reader the snapshot is for. */
  #view = '';

  constructor(ports: HydrationPorts) {
    this.#ports = ports;
  }

  get isActive(): boolean {
    return this.#state.kind !== 'none';
  }

  get hasWork(): boolean {
    return this.#state.kind === 'image' || (this.#state.kind === 'rows' && this.#state.work.hasWork);
  }

  get progress(): HydrationProgress | null {
    const nothing = { bytes: 0, bytesTotal: null, rows: 0, rowsTotal: null };
    switch (this.#state.kind) {
      case 'none':
        return null;
      case 'awaitingRows':
        return { phase: 'waiting', ...nothing };
      case 'fetching':
        return { phase: 'image', ...nothing, bytes: this.#state.bytes, bytesTotal: this.#state.bytesTotal };
      case 'image':
        return { phase: 'opening', ...nothing, bytes: this.#state.bytes, bytesTotal: this.#state.bytes };
      case 'rows':
        return { phase: 'rows', ...nothing, rows: this.#state.work.rows, rowsTotal: this.#state.work.rowsTotal };
    }
  }

  /** The room sends a snapshot: an image to fetch, else rows that follow. An image that is under way already is taken instead of another one. */
  begin(offer: ImageOffer | null, view: string): void {
    const isUnderWay = this.#state.kind === 'fetching' || this.#state.kind === 'image';
    if (offer !== null && isUnderWay && view === this.#view) return;
    this.cancel();
    this.#view = view;
    const { fetchImage } = this.#ports;
    if (offer === null || fetchImage === null) this.#state = { kind: 'awaitingRows' };
    else this.#fetch(fetchImage, offer);
  }

  #fetch(fetchImage: FetchImage, { path, ticket }: ImageOffer): void {
    const abort = new AbortController();
    const state: State & { kind: 'fetching' } = { kind: 'fetching', abort, bytes: 0, bytesTotal: null };
    this.#state = state;
    this.#watchStall();
    const whileWanted = (then: () => void): void => {
      if (this.#state === state) then();
    };
    const onProgress = ({ bytes, bytesTotal }: ByteProgress): void => {
      state.bytes = bytes;
      state.bytesTotal = bytesTotal;
      whileWanted(() => {
        this.#watchStall();
        this.#ports.wake();
      });
    };
    fetchImage({ path, ticket }, onProgress, abort.signal).then(
      (image) => whileWanted(() => this.#fetched(image)),
      (error: unknown) => whileWanted(() => this.#fail(AlcoveError.from(error, 'snapshot_failed'), 'image')),
    );
  }

  /** However long an image takes, something of it has to come now and then. */
  #watchStall(): void {
    const { runtime, imageStallMs } = this.#ports;
    this.#stall?.cancel();
    this.#stall = runtime.setTimer(imageStallMs, () => {
      this.#stall = null;
      if (this.#state.kind === 'fetching')
        this.#fail(new AlcoveError('snapshot_failed', `nothing of the image came for ${imageStallMs} ms`), 'image');
    });
  }

  #fetched(image: FetchedImage): void {
    try {
      const work = new ImageHydration(image, this.#ports.model, (bytes) => this.#ports.openDatabase(bytes));
      if (work.position.view !== this.#view) throw new AlcoveError('snapshot_failed', 'the image is for another class of readers');
      this.#state = { kind: 'image', work, bytes: image.bytes.length };
      this.#ports.wake();
    } catch (error) {
      this.#fail(AlcoveError.from(error, 'snapshot_failed'), 'image');
    }
  }

  rowsBegin(message: ServerMessageOf<'snapshotBegin'>): void {
    // Rows of a snapshot that was not announced, or one that starts over: only the newest counts.
    if (this.#state.kind === 'rows') this.#state.work.abandon();
    this.#guard(() => {
      this.#state = {
        kind: 'rows',
        work: new RowsHydration(message, this.#ports.model, () => this.#ports.openDatabase(null), this.#ports.roomSchema()),
      };
    });
  }

  rowsChunk(message: ServerMessageOf<'snapshotRows'>): void {
    const state = this.#state;
    if (state.kind !== 'rows') return;
    this.#guard(() => state.work.take(message));
    this.#ports.wake();
  }

  rowsEnd(message: ServerMessageOf<'snapshotEnd'>): void {
    const state = this.#state;
    if (state.kind !== 'rows') return;
    this.#guard(() => {
      state.work.end(message);
      this.#ports.onStream(this.#positionOf(state.work));
    });
    this.#ports.wake();
  }

  /** One piece of work. */
  step(): void {
    const state = this.#state;
    if (state.kind === 'rows') this.#guard(() => this.#stepRows(state.work));
    else if (state.kind === 'image') this.#guard(() => this.#stepImage(state.work));
  }

  #stepRows(work: RowsHydration): void {
    work.step();
    if (!work.isDone) return;
    this.#state = NONE;
    this.#ports.onReady(work.database, this.#positionOf(work), null);
  }

  #stepImage(work: ImageHydration): void {
    work.step();
    if (work.database === null) return;
    this.#state = NONE;
    this.#ports.onReady(work.database, work.position, work);
  }

  #positionOf({ begin: { historyId, version, hash } }: RowsHydration): ReplicaPosition {
    return { historyId, version, hash, view: this.#view };
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(AlcoveError.from(error, 'snapshot_failed'), this.#state.kind === 'image' ? 'image' : 'rows');
    }
  }

  #fail(error: AlcoveError, by: 'image' | 'rows'): void {
    this.cancel();
    this.#ports.onFailed(error, by);
  }

  /** The session is over: rows of it end, an image is still fetched. Rows that all came are still put in. */
  lost(): void {
    if (this.#state.kind === 'awaitingRows') this.#state = NONE;
    if (this.#state.kind === 'rows' && !this.#state.work.isComplete) this.cancel();
  }

  cancel(): void {
    this.#stall?.cancel();
    this.#stall = null;
    if (this.#state.kind === 'rows') this.#state.work.abandon();
    if (this.#state.kind === 'fetching') this.#state.abort.abort();
    this.#state = NONE;
  }
}
