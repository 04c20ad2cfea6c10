import { describe, expect, it } from 'vitest';
import { CompanyChannel } from './company-channel.ts';
import type { TabMessage } from './tab-channel.ts';

const PENDING: TabMessage = { type: 'pending', clientId: 'a', confirmed: 0, mutations: [] };
const CONFIRMED: TabMessage = { type: 'confirmed', clientId: 'a', confirmed: 1, at: null };

/** Tabs of one place; `isLost` says which posts do not arrive. */
class Place {
  isLost: (message: TabMessage) => boolean = () => false;
  readonly #tabs: { readonly hear: (message: unknown) => void }[] = [];

  say(message: unknown): void {
    for (const { hear } of this.#tabs) hear(message);
  }

  tab() {
    const [posted, heard]: [TabMessage[], (TabMessage | null)[]] = [[], []];
    let company = 0;
    const channel = new CompanyChannel({
      name: 'place',
      openChannel: (_name, hear) => {
        const tab = { hear };
        this.#tabs.push(tab);
        const post = (message: TabMessage): void => {
          posted.push(message);
          if (!this.isLost(message)) for (const other of this.#tabs) if (other !== tab) queueMicrotask(() => other.hear(message));
        };
        return { post, close: () => undefined };
      },
      onMessage: (message) => heard.push(message),
      onCompany: () => {
        company += 1;
        channel.post(PENDING);
      },
    });
    return { channel, posted, heard, company: () => company };
  }
}

/** All that was posted has arrived, and what was posted then. */
const delivered = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('a channel between tabs', () => {
  it('[TB-19] a tab that is alone posts nothing of what is pending or has ended, and the rest as ever', async () => {
    const { channel, posted } = new Place().tab();
    await delivered();
    posted.length = 0;
    for (const message of [PENDING, CONFIRMED]) channel.post(message);
    expect(posted).toEqual([]);
    channel.post({ type: 'forget' });
    expect(posted).toEqual([{ type: 'forget' }]);
  });

  it('[TB-19] whoever comes is told at once, and tells', async () => {
    const place = new Place();
    const first = place.tab();
    await delivered();
    first.channel.post(PENDING);
    const second = place.tab();
    await delivered();
    expect([first.company(), second.company()]).toEqual([1, 1]);
    expect(second.heard).toContainEqual(PENDING);
    expect(first.heard).toContainEqual(PENDING);
    first.channel.post(CONFIRMED);
    await delivered();
    expect(second.heard.at(-1)).toEqual(CONFIRMED);
  });

  it('[TB-19] a first word that was lost is made good by the next time it is asked', async () => {
    const place = new Place();
    const first = place.tab();
    place.isLost = ({ type }) => type === 'here';
    const second = place.tab();
    await delivered();
    expect([first.company(), second.company()]).toEqual([0, 0]);
    place.isLost = () => false;
    second.channel.ask();
    await delivered();
    expect([first.company(), second.company()]).toEqual([1, 1]);
    second.posted.length = 0;
    second.channel.ask();
    expect(second.posted).toEqual([]);
  });

  it('[TB-19] what asks for everything is answered by whoever hears it, and not announced besides', async () => {
    const place = new Place();
    place.isLost = ({ type }) => type === 'here';
    const [first, second] = [place.tab(), place.tab()];
    second.channel.post({ type: 'who' });
    await delivered();
    expect(first.heard).toEqual([{ type: 'who' }]);
    expect(first.company()).toBe(0);
    first.channel.post(PENDING);
    await delivered();
    expect(second.heard).toEqual([PENDING]);
  });

  it('[TB-19] a word of another build is company, too', async () => {
    const place = new Place();
    const { channel, posted, heard } = place.tab();
    place.say({ type: 'of another build' });
    channel.post(CONFIRMED);
    expect(heard).toEqual([null]);
    expect(posted.slice(-2)).toEqual([PENDING, CONFIRMED]);
  });

  it('[ST-51] whoever is told to forget says nothing of what is pending, though it is the first word it hears', async () => {
    const place = new Place();
    const { heard, posted, company } = place.tab();
    await delivered();
    posted.length = 0;
    place.say({ type: 'forget' });
    expect([heard, posted, company()]).toEqual([[{ type: 'forget' }], [], 0]);
  });
});
