/** What is needed of the page, so that it can be loaded again. */
export interface ReloadPage {
  readonly marks: Pick<Storage, 'getItem' | 'setItem'>;
  reload(): void;
}

/** One for each build: a page has a build for each of its rooms, and a mark of one must not make another forget its own. */
const markOf = (build: string): string => `alcove reloaded for ${build}`;

/**
 * Page and worker are of different builds: loading the page again gets both of one. Once only for each `build` of the page, because what a stale cache serves
 * stays stale; `onOutdated` takes the decision where the app has one to make, and reloads when it suits.
 */
export function reloadOnce(page: ReloadPage, build: string, onOutdated?: (reload: () => void) => void): void {
  if (wasReloaded(page, build)) return;
  const reload = (): void => page.reload();
  if (onOutdated === undefined) reload();
  else onOutdated(reload);
}

/** Whether it was, by its mark, which is set. A page without a place for marks counts as reloaded: it would do so for ever. */
function wasReloaded({ marks }: ReloadPage, build: string): boolean {
  try {
    const mark = markOf(build);
    if (marks.getItem(mark) !== null) return true;
    marks.setItem(mark, 'yes');
    return marks.getItem(mark) === null;
  } catch {
    return true;
  }
}
