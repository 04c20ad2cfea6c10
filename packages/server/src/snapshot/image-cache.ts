import { AlcoveError } from '@alcove/core/error';
import type { ImageFacts } from '@alcove/core/protocol/image-headers';
import type { Runtime } from '@alcove/core/runtime/runtime';

/** Images of equal keys are interchangeable but for their version. */
export interface ImageKey {
  readonly room: string;
  readonly id: string;
  readonly historyId: string;
  readonly schema: string;
  readonly view: string;
}

export interface BuiltImage {
  readonly facts: ImageFacts;
  /** Where the host keeps it; opaque here. */
  readonly file: string;
  readonly storedBytes: number;
}

export interface ImageCachePorts {
  /** Builds an image at the room's head, or at a later one it reaches meanwhile. */
  build(key: ImageKey): Promise<BuiltImage>;
  /** The file is no longer needed by anybody. Must not throw. */
  remove(file: string): void;
}

export interface ImageCacheLimits {
  /** Bytes of stored images; the least recently used go first, the newest always stays. */
  readonly cacheBytesMax: number;
  /** Builds that run or wait; past it no image is offered and a request is `overloaded`. */
  readonly buildsPendingMax: number;
  /** After a build failed none is tried for so long; readers get rows. */
  readonly retryMs: number;
}

/** What the room says when it wants to offer an image. */
export interface ImageWanted {
  /** The durable head, and the floor below which nobody can be caught up. */
  readonly version: number;
  readonly floor: number;
  /** Bytes of log after a version that is not below the floor. */
  logBytesSince(version: number): number;
}

/** An image that stays in place until it is released. */
export interface ImageLease extends BuiltImage {
  release(): void;
}

interface Entry {
  image: (BuiltImage & { pins: number }) | null;
  building: Promise<void> | null;
  /** The head when the running build began: its image is not older. */
  buildingFrom: number;
  failedUntilMs: number;
}

/**
 * Images by key: the newest one of each, one build at a time for each. An image is used again while catching up from it is cheaper than half of loading it.
 */
export class ImageCache {
  readonly #ports: ImageCachePorts;
  readonly #limits: ImageCacheLimits;
  readonly #runtime: Runtime;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #building = 0;

  constructor(ports: ImageCachePorts, limits: ImageCacheLimits, runtime: Runtime) {
    this.#ports = ports;
    this.#limits = limits;
    this.#runtime = runtime;
  }

  /** The version that `lease` will reach at least; a build is begun where it takes one. Null: none can be had just now. */
  offer(key: ImageKey, wanted: ImageWanted): number | null {
    const entry = this.#entries.get(textOf(key));
    if (entry !== undefined) {
      const version = usable(entry, wanted);
      if (version !== null) return version;
      if (entry.failedUntilMs > this.#runtime.monotonicMs()) return null;
    }
    if (entry?.building !== undefined && entry.building !== null) return null; // what is being built began below the floor
    if (this.#building >= this.#limits.buildsPendingMax) return null;
    this.#build(key, wanted.version).catch(() => undefined); // told to those who ask for it, see lease
    return wanted.version;
  }

  /**
   * The newest image of `key`, at `version` or later, built where there is none.
   * @throws AlcoveError `overloaded`, or what the build failed with.
   */
  async lease(key: ImageKey, version: number): Promise<ImageLease> {
    const text = textOf(key);
    for (;;) {
      const entry = this.#entries.get(text);
      if (entry?.image != null && entry.image.facts.version >= version) return this.#pin(text, entry.image);
      if (entry?.building != null) await entry.building;
      else await this.#build(key, version);
    }
  }

  /** Forgets every image of a room: it was deleted, or begins again. */
  dropRoom(room: string, id: string): void {
    for (const [text, entry] of this.#entries) {
      if (text.startsWith(roomPrefix(room, id))) this.#drop(text, entry);
    }
  }

  get storedBytes(): number {
    let bytes = 0;
    for (const { image } of this.#entries.values()) bytes += image?.storedBytes ?? 0;
    return bytes;
  }

  #build(key: ImageKey, from: number): Promise<void> {
    if (this.#building >= this.#limits.buildsPendingMax) {
      return Promise.reject(
        new AlcoveError('overloaded', `${this.#building} images are being built`, {
          retryAfterMs: this.#limits.retryMs,
          limit: 'imageBuildsPendingMax',
        }),
      );
    }
    const text = textOf(key);
    const entry = this.#entries.get(text) ?? { image: null, building: null, buildingFrom: 0, failedUntilMs: 0 };
    this.#entries.set(text, entry);
    entry.buildingFrom = from;
    entry.building = this.#run(text, entry, key);
    return entry.building;
  }

  async #run(text: string, entry: Entry, key: ImageKey): Promise<void> {
    this.#building += 1;
    try {
      const built = await this.#ports.build(key);
      if (this.#entries.get(text) === entry) this.#replace(text, entry, built);
      else this.#ports.remove(built.file); // dropped meanwhile
    } catch (error) {
      entry.failedUntilMs = this.#runtime.monotonicMs() + this.#limits.retryMs;
      throw error;
    } finally {
      entry.building = null;
      this.#building -= 1;
    }
  }

  #replace(text: string, entry: Entry, built: BuiltImage): void {
    const old = entry.image;
    entry.image = { ...built, pins: 0 };
    if (old !== null && old.pins === 0) this.#ports.remove(old.file);
    this.#touch(text, entry);
    for (const [other, { image, building }] of this.#entries) {
      if (this.storedBytes <= this.#limits.cacheBytesMax) return;
      if (other !== text && building === null && image !== null) this.#drop(other, this.#entries.get(other));
    }
  }

  #pin(text: string, image: BuiltImage & { pins: number }): ImageLease {
    const entry = this.#entries.get(text);
    if (entry !== undefined) this.#touch(text, entry);
    image.pins += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      image.pins -= 1;
      if (image.pins === 0 && this.#entries.get(text)?.image !== image) this.#ports.remove(image.file);
    };
    return { facts: image.facts, file: image.file, storedBytes: image.storedBytes, release };
  }

  #touch(text: string, entry: Entry): void {
    this.#entries.delete(text);
    this.#entries.set(text, entry);
  }

  /** What is pinned goes when it is released. */
  #drop(text: string, entry: Entry | undefined): void {
    this.#entries.delete(text);
    if (entry?.image != null && entry.image.pins === 0) this.#ports.remove(entry.image.file);
  }
}

/** The version an entry can give a reader, now or when its build is done; null where that is too old or costs too much to catch up from. */
const usable = (entry: Entry, wanted: ImageWanted): number | null => {
  const facts = entry.image?.facts;
  if (facts !== undefined && facts.version >= wanted.floor && wanted.logBytesSince(facts.version) <= facts.bytes / 2) return facts.version;
  return entry.building !== null && entry.buildingFrom >= wanted.floor ? entry.buildingFrom : null;
};

const roomPrefix = (room: string, id: string): string => `${JSON.stringify([room, id])}`;

const textOf = (key: ImageKey): string => roomPrefix(key.room, key.id) + JSON.stringify([key.historyId, key.schema, key.view]);
