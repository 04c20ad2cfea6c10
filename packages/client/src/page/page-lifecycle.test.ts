import { expect, it } from 'vitest';
import { type PageListener, watchPage } from './page-lifecycle.ts';

class FakeDocument extends EventTarget {
  visibilityState: 'visible' | 'hidden' = 'visible';
}

class FakePage extends EventTarget {
  readonly document = new FakeDocument();

  show(name: string, persisted: boolean): void {
    this.dispatchEvent(Object.assign(new Event(name), { persisted }));
  }

  turn(visibilityState: 'visible' | 'hidden'): void {
    this.document.visibilityState = visibilityState;
    this.document.dispatchEvent(new Event('visibilitychange'));
  }
}

function watched() {
  const page = new FakePage();
  const said: string[] = [];
  const say = (word: string) => () => void said.push(word);
  const listener = {
    online: say('online'),
    offline: say('offline'),
    hidden: say('hidden'),
    visible: say('visible'),
    suspend: say('suspend'),
    resume: say('resume'),
    unsaved: 0,
  };
  // The fake has the events and the one property that is looked at.
  const stop = watchPage(page as unknown as Parameters<typeof watchPage>[0], listener satisfies PageListener);
  return { page, said, stop, listener };
}

it('[WK-30] hiding, freezing and ending are one word, coming back another; what goes into the back/forward cache is suspended', () => {
  const { page, said, stop } = watched();
  page.turn('hidden');
  page.document.dispatchEvent(new Event('freeze'));
  page.document.dispatchEvent(new Event('resume'));
  page.turn('visible');
  page.show('pagehide', false);
  page.show('pagehide', true);
  page.show('pageshow', true);
  page.show('pageshow', false);
  expect(said).toEqual(['hidden', 'hidden', 'hidden', 'visible', 'hidden', 'suspend', 'resume', 'visible']);
  stop();
  page.turn('hidden');
  page.show('pagehide', true);
  page.dispatchEvent(new Event('online'));
  expect(said).toHaveLength(8);
});

it('[WK-30] the browser asks before a page is left only where something would be lost', () => {
  const { page, listener } = watched();
  const leave = (): boolean => page.dispatchEvent(new Event('beforeunload', { cancelable: true }));
  expect(leave()).toBe(true);
  listener.unsaved = 1;
  expect(leave()).toBe(false);
});
