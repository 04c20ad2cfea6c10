/** What is needed of the page, so that it can be loaded again. */
export interface ReloadPage {
  readonly marks: Pick<Storage, 'getItem' | 'setItem'>;
  reload(): void;
}

const MARK = 'alcove reloaded for';

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
    if (marks.getItem(MARK) === build) return true;
    marks.setItem(MARK, build);
    return marks.getItem(MARK) !== build;
  } catch {
    return true;
  }
}
