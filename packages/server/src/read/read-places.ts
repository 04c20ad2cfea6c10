import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ReadRoute } from './read-route.ts';
import type { EndSignal } from './replica.ts';

type Priority = ReadRoute['priority'];

/** Who is let in first; from the other end who is sent away first. */
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

export interface PlacesSettings {
  /** Reads that wait for a place at one replica; past it the least urgent of them is sent away. */
  readonly queueMax: number;
  /** What whoever is sent away is told. */
  readonly retryAfterMs: number;
}

interface Waiting {
  readonly priority: Priority;
  readonly letIn: () => void;
  readonly sendAway: (error: AlcoveError) => void;
}

/** The places of one replica, and those who wait for one: the urgent first, equals in the order they came. */
export class ReadPlaces {
  readonly #name: string;
  readonly #runtime: Runtime;
  readonly #settings: PlacesSettings;
  readonly #places: () => number;
  readonly #waiting: Waiting[] = [];
  readonly #idle: (() => void)[] = [];
  #taken = 0;
  #sentAway = 0;

  /**
   * @param name Of the replica, for messages.
   * @param places How many there are just now, one at least.
   */
  constructor(name: string, runtime: Runtime, settings: PlacesSettings, places: () => number) {
    this.#name = name;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#places = places;
  }

  get taken(): number {
    return this.#taken;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** How many were sent away so far. */
  get sentAway(): number {
    return this.#sentAway;
  }

  /**
   * Takes a place, at once or when there is one: then `leave` gives it back.
   * @throws AlcoveError (as rejection) `overloaded` where too many wait or `waitMs` are over, `closed` where nobody waits any more.
   */
  async take(priority: Priority, waitMs: number, signal: EndSignal): Promise<void> {
    if (this.#taken < this.#places() && this.#waiting.length === 0) {
      this.#taken += 1;
      return;
    }
    await this.#queue(priority, waitMs, signal);
  }

  leave(): void {
    this.#taken -= 1;
    this.admit();
    if (this.#taken === 0) for (const tell of this.#idle.splice(0)) tell();
  }

  /** Resolves when no place is taken. */
  whenIdle(): Promise<void> {
    return this.#taken === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** There may be more places than before. */
  admit(): void {
    while (this.#waiting.length > 0 && this.#taken < this.#places()) {
      this.#taken += 1;
      this.#waiting.shift()?.letIn();
    }
  }

  /** All who wait are to look elsewhere. */
  dismiss(error: AlcoveError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.sendAway(error);
  }

  #queue(priority: Priority, waitMs: number, signal: EndSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', aborted);
      };
      const waiting: Waiting = {
        priority,
        letIn: () => {
          over();
          resolve();
        },
        sendAway: (error) => {
          over();
          reject(error);
        },
      };
      const drop = (error: AlcoveError): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.sendAway(error);
      };
      const aborted = (): void => drop(new AlcoveError('closed', 'nobody waits for the read any more'));
      const timer = this.#runtime.setTimer(waitMs, () => {
        this.#sentAway += 1;
        drop(this.#overloaded(`a read has waited ${Math.round(waitMs)} ms for a place`, 'queueWaitMs'));
      });
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.splice(this.#placeInQueue(priority), 0, waiting);
      if (this.#waiting.length > this.#settings.queueMax) {
        this.#sentAway += 1;
        this.#waiting.pop()?.sendAway(this.#overloaded(`${this.#settings.queueMax} reads wait for a place, the limit`, 'queueMax'));
      }
    });
  }

  #placeInQueue(priority: Priority): number {
    const rank = PRIORITIES.indexOf(priority);
    const after = this.#waiting.findIndex((waiting) => PRIORITIES.indexOf(waiting.priority) > rank);
    return after === -1 ? this.#waiting.length : after;
  }

  #overloaded(what: string, limit: string): AlcoveError {
    return new AlcoveError('overloaded', `${what} at ${this.#name}`, { retryAfterMs: this.#settings.retryAfterMs, limit });
  }
}
