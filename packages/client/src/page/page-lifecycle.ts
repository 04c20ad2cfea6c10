/** What of a page's life matters to its rooms. */
export interface PageListener {
  /** Hints of the network: nothing is decided by them. */
  online(): void;
  offline(): void;
  /** Nobody looks at the page, and it may be stopped or thrown away any time from now on without another word. */
  hidden(): void;
  visible(): void;
  /** The browser puts the page aside as it is, to show it again when somebody goes back (bfcache); what holds a lock or a socket then is thrown away instead. */
  suspend(): void;
  /** It is shown again. */
  resume(): void;
  /** How much leaving now would lose. */
  readonly unsaved: number;
}

type Page = Pick<Window, 'addEventListener' | 'removeEventListener'> & {
  readonly document: Pick<Document, 'addEventListener' | 'removeEventListener' | 'visibilityState'>;
};

/** Tells `listener` of the page's life until the returned function is called. */
export function watchPage(page: Page, listener: PageListener): () => void {
  const { document } = page;
  const changed = (): void => (document.visibilityState === 'visible' ? listener.visible() : listener.hidden());
  const ofPage: readonly (readonly [string, (event: Event) => void])[] = [
    ['online', () => listener.online()],
    ['offline', () => listener.offline()],
    ['pagehide', (event) => (isPersisted(event) ? listener.suspend() : listener.hidden())],
    ['pageshow', (event) => (isPersisted(event) ? listener.resume() : changed())],
    // What is not on the disk would be lost: the browser asks.
    ['beforeunload', (event) => void (listener.unsaved > 0 && event.preventDefault())],
  ];
  const ofDocument: readonly (readonly [string, () => void])[] = [
    ['visibilitychange', changed],
    ['freeze', () => listener.hidden()],
    ['resume', changed],
  ];
  for (const [name, run] of ofPage) page.addEventListener(name, run);
  for (const [name, run] of ofDocument) document.addEventListener(name, run);
  return () => {
    for (const [name, run] of ofPage) page.removeEventListener(name, run);
    for (const [name, run] of ofDocument) document.removeEventListener(name, run);
  };
}

const isPersisted = (event: Event): boolean => 'persisted' in event && event.persisted === true;
