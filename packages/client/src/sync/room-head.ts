/** The room's head as a session knows it: what it heard of, and how far that is shown to be so. */
export class RoomHead {
  #version = 0;
  /** By the welcome, or by commits that could be applied. */
  #proven = 0;

  /** As heard: there the replica is current. */
  get version(): number {
    return this.#version;
  }

  /** The room may have gone back behind what an earlier session heard. */
  welcomed(version: number): void {
    this.#version = version;
    this.#proven = version;
  }

  heard(version: number): void {
    this.#version = Math.max(this.#version, version);
  }

  /** Commits up to there could be applied. */
  proved(version: number): void {
    this.#proven = Math.max(this.#proven, version);
  }

  /** What could not be applied proves nothing about the room, nor does what is shown: the room may have gone back behind it. */
  doubt(): void {
    this.#version = this.#proven;
  }
}
