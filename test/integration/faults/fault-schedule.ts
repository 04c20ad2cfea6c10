import type { Prng } from '../../fake/prng.ts';
import type { FaultFleet, FaultyFollower } from './fault-fleet.ts';

interface Fault {
  readonly name: string;
  begin(): Promise<void> | void;
  /** The next step makes it good. */
  end(): Promise<void> | void;
}

/** Faults one after the other, in an order that the seed gives: each lasts until the next but one begins, so that two meet. */
export class FaultSchedule {
  readonly said: string[] = [];
  /** States that `/status` told of replicas while faults were there. */
  readonly seen = { breakers: new Set<string>(), isUp: new Set<boolean | null>() };
  readonly #fleet: FaultFleet;
  readonly #prng: Prng;
  readonly #running: Fault[] = [];
  #left: Fault[] = [];
  #step: Promise<void> = Promise.resolve();

  constructor(fleet: FaultFleet, prng: Prng) {
    this.#fleet = fleet;
    this.#prng = prng;
  }

  /** Steps that are asked for meanwhile come after it. */
  next(): Promise<void> {
    const done = this.#step.then(() => this.#next());
    this.#step = done;
    return done;
  }

  async #next(): Promise<void> {
    await this.#look();
    if (this.#left.length === 0) {
      const running = new Set(this.#running.map(({ name }) => name));
      this.#left = this.#prng.shuffle(this.#all()).filter(({ name }) => !running.has(name));
    }
    const fault = this.#left.pop();
    if (this.#running.length > 1) await this.#running.shift()?.end();
    if (fault === undefined) return;
    this.said.push(fault.name);
    this.#running.push(fault);
    await fault.begin();
  }

  async end(): Promise<void> {
    await this.#look();
    for (const fault of this.#running.splice(0)) await fault.end();
  }

  async #look(): Promise<void> {
    for (const { breakers, isUp } of (await this.#fleet.routing()).replicas) {
      for (const state of Object.values(breakers)) this.seen.breakers.add(state);
      this.seen.isUp.add(isUp);
    }
  }

  #all(): Fault[] {
    const { followers } = this.#fleet;
    return [
      ...followers.flatMap((follower, index) => faultsOf(follower, `follower ${index + 1}`)),
      { name: 'no follower can be reached', begin: () => eachLink(followers, 'cut'), end: () => eachLink(followers, 'open') },
      { name: 'a reader process is killed', begin: () => this.#killReader(), end: () => undefined },
      { name: 'all reader processes are killed', begin: () => this.#killReaders(), end: () => undefined },
    ];
  }

  #killReader(): void {
    const { readers } = this.#fleet;
    if (readers.length > 0) process.kill(this.#prng.pick(readers), 'SIGKILL');
  }

  #killReaders(): void {
    for (const pid of this.#fleet.readers) process.kill(pid, 'SIGKILL');
  }
}

function eachLink(followers: readonly FaultyFollower[], state: 'open' | 'cut'): void {
  for (const follower of followers) follower.reads.set(state);
}

const faultsOf = (follower: FaultyFollower, name: string): Fault[] => [
  { name: `${name} stands still`, begin: () => follower.pause(), end: () => follower.goOn() },
  { name: `${name} is killed`, begin: () => follower.kill(), end: () => follower.startAgain() },
  { name: `${name} cannot be reached`, begin: () => follower.reads.set('cut'), end: () => follower.reads.set('open') },
  { name: `${name} answers nothing`, begin: () => follower.reads.set('silent'), end: () => follower.reads.set('open') },
  { name: `${name} hears no log`, begin: () => follower.log.set('silent'), end: () => follower.log.set('open') },
  { name: `${name} has lost its primary`, begin: () => follower.log.set('cut'), end: () => follower.log.set('open') },
];
