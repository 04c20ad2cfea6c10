/** Lines of rejected mutations that users of one browser took off, by their names on the disk. */
export class Dismissals {
  /** With the page that did it, as far as an engine of it heard of it. */
  readonly told = new Map<string, string>();
  /** The disk said that they are gone. */
  readonly written = new Set<string>();

  tell(page: string, keys: readonly string[]): void {
    for (const key of keys) this.told.set(key, page);
  }

  wrote(keys: readonly string[]): void {
    for (const key of keys) this.written.add(key);
  }
}
