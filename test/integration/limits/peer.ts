import { once } from 'node:events';
import type { Message } from '../plain-client.ts';
import { PlainClient } from '../plain-client.ts';

type Call = readonly [name: string, args: unknown];

/** What a mutation came to: `applied`, or the code it was rejected or refused with. */
export interface Fate {
  readonly mutationId: number;
  readonly how: 'applied' | 'rejected' | 'refused';
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** A plain client that pushes several mutations at a time and knows which were refused, so that it may push them again. */
export class Peer {
  readonly client: PlainClient;
  #nextId = 1;
  #offers = 0;
  #asked = 0;

  constructor(url: string) {
    this.client = new PlainClient(url);
  }

  /** Sends one push of these; gives the fate of each. What was refused, and all behind it, may be pushed again. */
  async push(...calls: readonly Call[]): Promise<Fate[]> {
    const { client } = this;
    const first = this.#nextId;
    const from = client.messages.length;
    const mutations = calls.map(([name, args], at) => ({ clientId: client.clientId, mutationId: first + at, name, args }));
    client.say({ type: 'push', mutations });
    const fates = (): Fate[] => fatesIn(client.messages.slice(from), first, calls.length);
    await client.until(() => fates().length === calls.length || client.closed !== null, `the fate of ${calls.length} mutations`);
    const told = fates();
    const refused = told.find(({ how }) => how === 'refused');
    this.#nextId = refused?.mutationId ?? first + calls.length;
    return told;
  }

  /** Pushes so many that change one row each. */
  notes(count: number, body = 'x'): Promise<Fate[]> {
    return this.push(...Array.from({ length: count }, (): Call => ['note', { body }]));
  }

  /** Offers a value; gives the answer: `valueTaken` or an error. */
  async offer(value: string, key = ''): Promise<Message> {
    this.#offers += 1;
    const offer = this.#offers;
    this.client.say({ type: 'value', name: 'title', key, value, offer });
    const answers = (): Message | undefined =>
      this.client.messages.find((message) => message['offer'] === offer && message.type !== 'values');
    await this.client.until(() => answers() !== undefined, 'the answer to an offer');
    return answers() as Message; // until has just seen it
  }

  /** Asks for a sign of life and gets it: what was said before has been read. False where the socket ended instead. */
  async lives(padding?: unknown): Promise<boolean> {
    this.#asked += 1;
    const at = this.#asked;
    this.client.say({ type: 'ping', at, ...(padding === undefined ? {} : { padding }) });
    const answered = (): boolean => this.client.messages.some((message) => message.type === 'pong' && message['at'] === at);
    await this.client.until(() => answered() || this.client.closed !== null, 'a pong');
    return answered();
  }

  /** The error it is told, that has come or comes. */
  error(): Promise<Message> {
    return this.client.heard('error');
  }

  get errors(): readonly Message[] {
    return this.client.messages.filter(({ type }) => type === 'error');
  }

  /** Reads nothing more, so that what is sent piles up. */
  pause(): void {
    this.client.socket.pause();
  }

  resume(): void {
    this.client.socket.resume();
  }

  /** Goes, and is gone. */
  async leave(): Promise<void> {
    if (this.client.closed !== null) return;
    this.client.socket.close(1000);
    await once(this.client.socket, 'close');
  }
}

/** In the order of their ids. A refusal stands for what was pushed behind it too: those of a client are taken in order or not at all. */
function fatesIn(messages: readonly Message[], first: number, count: number): Fate[] {
  const fates: Fate[] = [];
  const last = first + count - 1;
  const told = messages as readonly (Message & { mutationId?: number })[]; // what a server sends
  for (const { type, results = [], mutationId, code, retryAfterMs } of told) {
    for (const result of results) {
      if (result.mutationId < first || result.mutationId > last) continue;
      fates.push({
        mutationId: result.mutationId,
        how: result.status === 'rejected' ? 'rejected' : 'applied',
        code: result.code,
        retryAfterMs: undefined,
      });
    }
    if (type !== 'refused' || mutationId === undefined) continue;
    for (let id = mutationId; id <= last; id += 1) fates.push({ mutationId: id, how: 'refused', code, retryAfterMs });
  }
  return fates.sort((a, b) => a.mutationId - b.mutationId);
}
