/** Whose turn an item counts as. */
export interface Place {
  readonly user: string;
  /** Unique over all users. */
  readonly session: string;
}

export interface Taken<Item> {
  readonly items: readonly Item[];
  /** Somebody has far more waiting than all others, of whom some push too: what is taken of it is to hold them up as little as can be. */
  readonly isLopsided: boolean;
}

export interface TakeOptions {
  readonly max: number;
  /** What one user, and one session, with far more waiting gets while others push too; half of it beside what waits of others. Who has no more than that gets it all. */
  readonly shareMin: number;
  readonly nowMs: number;
}

/** Who pushed within it counts as pushing too, though nothing of theirs waits just now. */
const PUSHES_TOO_MS = 1_000;
/** Times as many as the next largest has waiting are no reason to be held back: all have about as much to do. */
const FAR_MORE = 2;

/**
 * What waits, in an order that is fair: users take turns, and so do the sessions of one user, one item a turn; items of one session keep their order. So what
 * one has waiting delays another by no more than what is being taken just now, however much it is.
 *
 * A user or session that has far more waiting than the others is held to a share while they push too, so that what is taken at once stays small; where nobody
 * else is there it gets everything.
 */
export class FairQueue<Item> {
  readonly #placeOf: (item: Item) => Place;
  /** The one whose turn was longest ago first. */
  readonly #users = new Map<string, UserLane<Item>>();
  readonly #userTurns = new RecentTwo();
  readonly #sessionTurns = new RecentTwo();
  #size = 0;

  constructor(placeOf: (item: Item) => Place) {
    this.#placeOf = placeOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Items that wait of a user. */
  sizeOf(user: string): number {
    return this.#users.get(user)?.size ?? 0;
  }

  add(item: Item, nowMs: number): void {
    const { user, session } = this.#placeOf(item);
    this.#userTurns.saw({ of: '', key: user, atMs: nowMs });
    this.#sessionTurns.saw({ of: user, key: session, atMs: nowMs });
    this.#laneOf(user).sessionOf(session).push(item);
    this.#size += 1;
  }

  /** Takes out what is next, by turns. */
  take({ max, shareMin, nowMs }: TakeOptions): Taken<Item> {
    const sinceMs = nowMs - PUSHES_TOO_MS;
    const userShare = shares(this.#users, shareMin, (user) => this.#userTurns.isAlone('', user, sinceMs));
    const lanes = [...this.#users].map(([user, lane]) => {
      const left = userShare(user, lane.size);
      return {
        user,
        lane,
        left,
        isCut: left < lane.size,
        round: lane.begin(shareMin, (session) => this.#sessionTurns.isAlone(user, session, sinceMs)),
      };
    });
    const items: Item[] = [];
    let going = lanes.filter(({ left }) => left > 0);
    while (items.length < max && going.length > 0) {
      const next: typeof going = [];
      for (const turn of going) {
        const item = items.length < max ? turn.round() : undefined;
        if (item === undefined) continue;
        items.push(item);
        turn.left -= 1;
        moveToEnd(this.#users, turn.user, turn.lane);
        if (turn.left > 0) next.push(turn);
      }
      going = next;
    }
    this.#size -= items.length;
    const isLopsided = lanes.some(({ lane, isCut }) => isCut || lane.isCut);
    for (const { user, lane } of lanes) if (lane.size === 0) this.#users.delete(user);
    return { items, isLopsided };
  }

  /** Puts back what was taken and not done, in front of what waits of each session; those it belongs to are next. */
  giveBack(items: readonly Item[]): void {
    const bySession = new Map<string, Item[]>();
    for (const item of items) {
      const { session } = this.#placeOf(item);
      const own = bySession.get(session) ?? [];
      own.push(item);
      bySession.set(session, own);
    }
    const users = new Set(items.map((item) => this.#placeOf(item).user));
    for (const own of bySession.values()) {
      const [first] = own;
      if (first === undefined) continue;
      const { user, session } = this.#placeOf(first);
      this.#laneOf(user).sessionOf(session).unshift(own);
    }
    this.#size += items.length;
    for (const user of [...this.#users.keys()].filter((known) => !users.has(known))) moveToEnd(this.#users, user, this.#laneOf(user));
  }

  /** Takes out everything of a session. */
  remove({ user, session }: Place): readonly Item[] {
    const lane = this.#users.get(user);
    const removed = lane?.removeSession(session) ?? [];
    if (lane?.size === 0) this.#users.delete(user);
    this.#size -= removed.length;
    return removed;
  }

  /** Takes out everything. */
  removeAll(): readonly Item[] {
    const all = [...this];
    this.#users.clear();
    this.#size = 0;
    return all;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (const lane of this.#users.values()) yield* lane;
  }

  #laneOf(user: string): UserLane<Item> {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const lane = new UserLane<Item>();
    this.#users.set(user, lane);
    return lane;
  }
}

/** The sessions of one user, the one whose turn was longest ago first. */
class UserLane<Item> {
  readonly #sessions = new Map<string, Line<Item>>();
  /** Whether one of them was held to its share as the last turns began. */
  isCut = false;

  get size(): number {
    let size = 0;
    for (const line of this.#sessions.values()) size += line.size;
    return size;
  }

  sessionOf(session: string): Line<Item> {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const line = new Line<Item>();
    this.#sessions.set(session, line);
    return line;
  }

  /** Gives one item a call, a session after the other, until each has had its share. */
  begin(shareMin: number, isAlone: (session: string) => boolean): () => Item | undefined {
    const share = shares(this.#sessions, shareMin, isAlone);
    const left = new Map([...this.#sessions].map(([session, line]) => [session, share(session, line.size)]));
    this.isCut = [...this.#sessions].some(([session, line]) => (left.get(session) ?? 0) < line.size);
    return () => {
      for (const [session, line] of this.#sessions) {
        const count = left.get(session) ?? 0;
        if (count === 0) continue;
        left.set(session, count - 1);
        const item = line.shift();
        if (line.size === 0) this.#sessions.delete(session);
        else moveToEnd(this.#sessions, session, line);
        return item;
      }
      return undefined;
    };
  }

  removeSession(session: string): readonly Item[] {
    const removed = [...(this.#sessions.get(session) ?? [])];
    this.#sessions.delete(session);
    return removed;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (const line of this.#sessions.values()) yield* line;
  }
}

/** First in, first out; taking from the front costs the same however many wait. */
class Line<Item> {
  #items: Item[] = [];
  #from = 0;

  get size(): number {
    return this.#items.length - this.#from;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  unshift(items: readonly Item[]): void {
    this.#items = [...items, ...this];
    this.#from = 0;
  }

  shift(): Item | undefined {
    const item = this.#items[this.#from];
    this.#from += 1;
    if (this.#from * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#from);
      this.#from = 0;
    }
    return item;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (let at = this.#from; at < this.#items.length; at += 1) yield this.#items[at] as Item; // within its length
  }
}

interface Seen {
  /** Among whom it is looked for: the user of a session. */
  readonly of: string;
  readonly key: string;
  readonly atMs: number;
}

/** The two that pushed last: enough to tell whether any other than a given one did of late. */
class RecentTwo {
  #last: Seen | null = null;
  #other: Seen | null = null;

  saw(seen: Seen): void {
    if (this.#last !== null && this.#last.key !== seen.key) this.#other = this.#last;
    this.#last = seen;
  }

  isAlone(of: string, key: string, sinceMs: number): boolean {
    const other = this.#last?.key === key ? this.#other : this.#last;
    return other === null || other.of !== of || other.atMs < sinceMs;
  }
}

/** How many items a lane of that size may give in one go: all, but for one that has far more than every other while others push too. */
function shares(
  lanes: ReadonlyMap<string, { readonly size: number }>,
  shareMin: number,
  isAlone: (key: string) => boolean,
): (key: string, size: number) => number {
  let [most, second] = [0, 0];
  for (const { size } of lanes.values()) {
    if (size > most) [most, second] = [size, most];
    else if (size > second) second = size;
  }
  // Beside what others wait for it is half of it: they would wait for all of it.
  const share = second > 0 ? Math.max(Math.ceil(shareMin / 2), FAR_MORE * second) : shareMin;
  return (key, size) => (size <= shareMin || (lanes.size === 1 && isAlone(key)) ? size : Math.min(size, share));
}

function moveToEnd<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
}
