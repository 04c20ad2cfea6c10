/** Failed snapshots in a row after which the session is given up, and of images after which rows are asked for. */
const FAILURES_MAX = 3;
const IMAGE_FAILURES_MAX = 2;

/** How the snapshots of late have fared. A few are asked for again on this session, then on another one, which backs off. */
export class SnapshotTries {
  readonly #takesImages: boolean;
  #failures = 0;
  #imageFailures = 0;

  constructor(takesImages: boolean) {
    this.#takesImages = takesImages;
  }

  /** To ask for, best first. */
  get kinds(): ('image' | 'rows')[] {
    return this.#takesImages && this.#imageFailures < IMAGE_FAILURES_MAX ? ['image', 'rows'] : ['rows'];
  }

  imageFailed(): void {
    this.#imageFailures += 1;
  }

  /** What was under way is of no use. @returns whether another one may be asked for on this session */
  failed(): boolean {
    this.#failures += 1;
    return this.#failures % FAILURES_MAX !== 0;
  }

  /** Commits follow on what is shown. */
  applied(): void {
    this.#failures = 0;
  }

  /** One is shown. */
  shown(): void {
    this.#failures = 0;
    this.#imageFailures = 0;
  }
}
