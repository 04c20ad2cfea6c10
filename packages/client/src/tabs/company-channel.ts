import { type OpenTabChannel, type TabChannel, type TabMessage, tabMessageOf } from './tab-channel.ts';

export interface CompanyChannelOptions {
  readonly openChannel: OpenTabChannel;
  readonly name: string;
  /** Null for what is not understood. */
  onMessage(message: TabMessage | null): void;
  /** Somebody is there who may have missed what was not posted: it is to be said, unless the message that follows asks for it. */
  onCompany(): void;
}

/**
 * The way to the other tabs of a place that says what is pending and what has ended only once it has heard of another tab: most tabs are alone, and each post costs
 * the browser two hops between processes. Whoever comes says so and is answered; what of that is lost is asked for again now and then (`ask`).
 */
export class CompanyChannel implements TabChannel {
  readonly #options: CompanyChannelOptions;
  readonly #channel: TabChannel;
  #hasCompany = false;

  constructor(options: CompanyChannelOptions) {
    this.#options = options;
    this.#channel = options.openChannel(options.name, (message) => this.#hear(tabMessageOf(message)));
    this.#channel.post({ type: 'here', isAnswer: false });
  }

  post(message: TabMessage): void {
    if (this.#hasCompany || (message.type !== 'pending' && message.type !== 'confirmed')) this.#channel.post(message);
  }

  /** Asks whether anybody is there, where nobody is known. */
  ask(): void {
    if (!this.#hasCompany) this.#channel.post({ type: 'here', isAnswer: false });
  }

  close(): void {
    this.#channel.close();
  }

  #hear(message: TabMessage | null): void {
    const isFirst = !this.#hasCompany;
    this.#hasCompany = true;
    if (message?.type === 'who' || (message?.type === 'here' && !message.isAnswer)) this.#channel.post({ type: 'here', isAnswer: true });
    // Whoever is told to forget has nothing to say any more: a page that came since would take it over.
    if (isFirst && message?.type !== 'who' && message?.type !== 'forget') this.#options.onCompany();
    this.#options.onMessage(message);
  }
}
