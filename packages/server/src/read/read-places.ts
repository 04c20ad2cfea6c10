import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { ReadTurns, type Turn } from './read-turns.ts';
import type { EndSignal } from './replica.ts';

export interface PlacesSettings {
  /** Reads that wait for a place at one replica; past it one of who has the most of them is sent away. */
  readonly queueMax: number;
  /** What whoever is sent away is told. */
  readonly retryAfterMs: number;
}

/** A read that wants a place. */
export interface PlaceAsked extends Turn {
  readonly waitMs: number;
  /** In all, where it is among the next to be let in when `waitMs` are over. */
  readonly turnMs: number;
}

interface Waiting extends Turn {
  readonly letIn: () => void;
  readonly sendAway: (error: AlcoveError) => void;
}

/** The places of one replica, and those who wait for one. Who is next, and how many of the places one user may have, is ReadTurns' business. */
export class ReadPlaces {
  readonly #name: string;
  readonly #runtime: Runtime;
  readonly #settings: PlacesSettings;
  readonly #places: () => number;
  readonly #turns = new ReadTurns();
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
   * @throws AlcoveError (as rejection) `overloaded` where too many wait or its time is over, `closed` where nobody waits any more.
   */
  async take(asked: PlaceAsked, signal: EndSignal): Promise<void> {
    const places = this.#places();
    if (this.#taken < places && this.#turns.mayEnter(asked, places) && this.#turns.next(this.#waiting, places) === undefined)
      return this.#enter(asked);
    await this.#queue(asked, signal);
  }

  /** @param user As it was taken. */
  leave(user: string | undefined): void {
    this.#taken -= 1;
    this.#turns.left(user);
    this.admit();
    if (this.#taken === 0) for (const tell of this.#idle.splice(0)) tell();
  }

  /** Resolves when no place is taken. */
  whenIdle(): Promise<void> {
    return this.#taken === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** There may be more places than before. */
  admit(): void {
    for (let places = this.#places(); this.#taken < places; places = this.#places()) {
      const next = this.#turns.next(this.#waiting, places);
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#enter(next);
      next.letIn();
    }
  }

  /** All who wait are to look elsewhere. */
  dismiss(error: AlcoveError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.sendAway(error);
  }

  #enter({ user }: Turn): void {
    this.#taken += 1;
    this.#turns.entered(user);
  }

  #queue({ user, priority, waitMs, turnMs }: PlaceAsked, signal: EndSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', aborted);
      };
      const waiting: Waiting = {
        user,
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
      const aborted = (): void => this.#drop(waiting, new AlcoveError('closed', 'nobody waits for the read any more'));
      const tooLong = (ms: number): void => {
        this.#sentAway += 1;
        this.#drop(waiting, this.#overloaded(`a read has waited ${Math.round(ms)} ms for a place`, 'queueWaitMs'));
      };
      let timer = this.#runtime.setTimer(waitMs, () => {
        const places = this.#places();
        if (turnMs <= waitMs || this.#turns.before(waiting, this.#waiting, places) >= places) return tooLong(waitMs);
        timer = this.#runtime.setTimer(turnMs - waitMs, () => tooLong(turnMs));
      });
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(waiting);
      if (this.#waiting.length <= this.#settings.queueMax) return;
      this.#sentAway += 1;
      const last = this.#turns.last(this.#waiting) ?? waiting;
      this.#drop(last, this.#overloaded(`${this.#settings.queueMax} reads wait for a place, the limit`, 'queueMax'));
    });
  }

  #drop(waiting: Waiting, error: AlcoveError): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiting.sendAway(error);
  }

  #overloaded(what: string, limit: string): AlcoveError {
    return new AlcoveError('overloaded', `${what} at ${this.#name}`, { retryAfterMs: this.#settings.retryAfterMs, limit });
  }
}
