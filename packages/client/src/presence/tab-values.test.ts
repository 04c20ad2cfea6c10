import type { Json } from '@alcove/core/json';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import type { CounterTotals } from './own-value.ts';
import { type ShownValue, TabValues } from './tab-values.ts';

/** A tab and the least of a room: one plain value, one counter, both without a key. */
class World {
  readonly runtime = new FakeRuntime();
  readonly sent: ClientMessageInput[] = [];
  readonly shown: ShownValue[] = [];
  isLive = true;
  row: { value: Json; seq: number } | null = null;
  totals: CounterTotals | null = null;
  #lives = 0;
  values = this.#newLife();

  #newLife(): TabValues {
    this.#lives += 1;
    return new TabValues({
      runtime: this.runtime,
      definitions: tasksRoom.values,
      intervalMs: 40,
      keysMax: 5,
      offersFrom: (this.#lives - 1) * 1_000,
      send: (message) => {
        if (this.isLive) this.sent.push(message);
        return this.isLive;
      },
      readRow: () => this.row,
      onShown: (_name, _key, shown, _change, totals) => {
        this.shown.push(shown);
        this.totals = totals ?? this.totals;
      },
    });
  }

  /** Another engine of the same client, as after a worker's death. */
  replace(boot: string): void {
    this.values.close();
    this.sent.length = 0;
    this.values = this.#newLife();
    this.values.watch('likes', '');
    if (this.totals !== null) this.values.restore('likes', '', this.totals, 1);
    this.values.welcomed(boot, 100_000);
  }

  constructor() {
    this.values.welcomed('boot1', 100_000);
  }

  get last(): ShownValue | undefined {
    return this.shown.at(-1);
  }

  offers(): unknown[] {
    return this.sent.splice(0).flatMap((message) => (message.type === 'value' ? [message.value] : []));
  }

  write(value: Json, seq: number): void {
    this.row = { value, seq };
    this.values.rowsChanged(null);
  }

  told(value: Json, seq: number, written = false, updatedBy: string | null = 'bea', name = 'zoom'): void {
    this.values.values({ type: 'values', reset: false, boot: 'boot1', entries: [{ name, key: '', value, seq, written, updatedBy }] });
  }

  taken(offer: number, seq: number, name = 'zoom', boot = 'boot1'): void {
    this.values.taken({ type: 'valueTaken', name, key: '', offer, boot, seq });
  }
}

describe('a plain value', () => {
  it('[EP-19] shows the row, then what others set, then the own until it is written', () => {
    const world = new World();
    world.row = { value: 1, seq: 1 };
    world.values.watch('zoom', '');
    expect(world.last).toEqual({ value: 1, pending: false, updatedBy: null });
    world.told(2, 2);
    expect(world.last).toEqual({ value: 2, pending: false, updatedBy: 'bea' });
    world.values.set('zoom', '', 3);
    expect(world.last).toMatchObject({ value: 3, pending: true });
    world.told(4, 3);
    expect(world.last).toMatchObject({ value: 3, pending: true });
    world.taken(1, 4);
    world.told(3, 4, false, 'me');
    expect(world.last).toMatchObject({ value: 3, pending: true });
    world.write(3, 4);
    expect(world.last).toEqual({ value: 3, pending: false, updatedBy: 'me' });
    world.told(5, 5);
    expect(world.last).toMatchObject({ value: 5, pending: false });
  });

  it('[EP-19] a row that overtakes the news of it is shown, and older news does not come back', () => {
    const world = new World();
    world.values.watch('zoom', '');
    world.write(7, 7);
    world.told(6, 6);
    expect(world.last).toMatchObject({ value: 7 });
    world.told(7, 7, true);
    expect(world.last).toEqual({ value: 7, pending: false, updatedBy: 'bea' });
  });

  it('[EP-17] offers the first at once and the last of each interval', () => {
    const world = new World();
    for (let zoom = 0; zoom < 50; zoom++) {
      world.values.set('zoom', '', zoom);
      world.runtime.advance(10);
    }
    world.runtime.advance(100);
    const offers = world.offers();
    expect(offers.length).toBeLessThan(20);
    expect([offers[0], offers.at(-1)]).toEqual([0, 49]);
  });

  it('[EP-20] is offered again in each session until it is seen written, naming what the first answer was', () => {
    const world = new World();
    world.values.watch('zoom', '');
    world.values.set('zoom', '', 3);
    world.taken(1, 4);
    world.isLive = false;
    world.values.lost();
    world.isLive = true;
    world.sent.length = 0;
    world.values.welcomed('boot2', 100_000);
    expect(world.sent).toEqual([{ type: 'value', name: 'zoom', key: '', value: 3, offer: 1, taken: { boot: 'boot1', seq: 4 } }]);
    world.taken(1, 9, 'zoom', 'boot2');
    expect(world.last).toMatchObject({ value: 3, pending: true });
    world.write(3, 9);
    expect(world.last).toMatchObject({ value: 3, pending: false });
    world.sent.length = 0;
    world.values.welcomed('boot2', 100_000);
    expect(world.sent).toEqual([]);
  });

  it('what was set offline is offered with the session, last value only', () => {
    const world = new World();
    world.isLive = false;
    for (const zoom of [1, 2, 3]) {
      world.values.set('zoom', '', zoom);
      world.runtime.advance(100);
    }
    world.isLive = true;
    world.values.welcomed('boot1', 100_000);
    expect(world.offers()).toEqual([3]);
  });

  it('[EP-21] a refused offer is taken back', () => {
    const world = new World();
    world.values.watch('zoom', '');
    world.told(1, 1);
    world.values.set('zoom', '', 3);
    world.values.refused('zoom', '', 1);
    expect(world.last).toMatchObject({ value: 1, pending: false });
    world.offers();
    world.values.welcomed('boot1', 100_000);
    expect(world.offers()).toEqual([]);
  });

  it('[EP-24] an offer that the room has no place for just now stays, is shown, and is made again as it was', () => {
    const world = new World();
    world.values.watch('zoom', '');
    world.told(1, 1);
    world.values.set('zoom', '', 3);
    world.values.refusedForNow('zoom', '', 1, 500);
    expect(world.last).toMatchObject({ value: 3, pending: true });
    world.runtime.advance(499);
    expect(world.offers()).toEqual([3]);
    world.runtime.advance(1);
    expect(world.sent).toMatchObject([{ value: 3, offer: 1 }]);
    world.taken(1, 9);
    world.write(3, 9);
    expect(world.last).toMatchObject({ value: 3, pending: false });
    world.runtime.advance(5_000);
    expect(world.offers()).toEqual([3]);
  });

  it('[EP-24] a refusal that a newer offer or a new session has overtaken makes nothing again', () => {
    const world = new World();
    world.values.set('zoom', '', 3);
    world.runtime.advance(50);
    world.values.set('zoom', '', 4);
    world.values.refusedForNow('zoom', '', 1, 500);
    world.taken(2, 5);
    world.runtime.advance(1_000);
    expect(world.offers()).toEqual([3, 4]);
    world.values.refusedForNow('zoom', '', 2, 500);
    world.values.lost();
    world.isLive = false;
    world.runtime.advance(1_000);
    world.isLive = true;
    world.values.welcomed('boot1', 100_000);
    world.runtime.advance(1_000);
    expect(world.offers()).toEqual([4]);
  });

  it('a flush goes behind the offer it is for, in the next session where there is none', () => {
    const world = new World();
    world.isLive = false;
    world.values.set('zoom', '', 1);
    world.values.flush('zoom', '');
    world.isLive = true;
    world.values.welcomed('boot1', 100_000);
    expect(world.sent.map(({ type }) => type)).toEqual(['value', 'flush']);
  });

  it.each<[string, (world: World) => void, string]>([
    ['an unknown name', ({ values }) => values.set('nonsense', '', 1), 'value_unknown'],
    ['a name every object has', ({ values }) => values.watch('toString', ''), 'value_unknown'],
    ['a value of the wrong type', ({ values }) => values.set('zoom', '', 'far'), 'value_invalid'],
    ['a set of a counter', ({ values }) => values.set('likes', '', 1), 'value_unknown'],
    ['an addition to a plain value', ({ values }) => values.add('zoom', '', 1), 'value_unknown'],
    ['an addition of no number', ({ values }) => values.add('likes', '', Number.NaN), 'value_invalid'],
    ['too many keys', ({ values }) => [...'abcdef'].forEach((key) => values.set('zoom', key, 1)), 'overloaded'],
  ])('refuses %s', (_what, set, code) => {
    const world = new World();
    expect(() => set(world)).toThrowError(expect.objectContaining({ code }));
  });
});

/** Of a room that has no place just now; longer than any answer takes. */
const RETRY_AFTER_MS = 300;

/** What a room does with totals of one client and additions of others: remembers what of the total is in memory and what in the row. */
class CounterRoom {
  seq = 0;
  sum = 0;
  counted = 0;
  lastOffer = 0;
  row = { sum: 0, counted: 0, seq: 0 };

  add(delta: number): void {
    this.sum += delta;
    this.seq += 1;
  }

  /** Offers that are older than the one counted last are of an engine that is gone. */
  offer(total: number, offer: number): number {
    if (offer >= this.lastOffer && total !== this.counted) {
      this.lastOffer = offer;
      this.sum += total - this.counted;
      this.counted = total;
      this.seq += 1;
    }
    return this.seq;
  }

  write(): void {
    this.row = { sum: this.sum, counted: this.counted, seq: this.seq };
  }

  crash(): void {
    this.sum = this.row.sum;
    this.counted = this.row.counted;
    this.seq += 1_000;
  }
}

describe('a counter', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), delta: fc.integer({ min: -3, max: 3 }) }),
    fc.record({ do: fc.constant('other' as const), delta: fc.integer({ min: -3, max: 3 }) }),
    fc.record({
      do: fc.constantFrom('room' as const, 'full' as const, 'write' as const, 'cut' as const, 'crash' as const, 'replace' as const),
    }),
  );

  it('[EP-20][EP-24] counts every addition once, whatever is lost or refused for now, and shows own additions at once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        const room = new CounterRoom();
        let own = 0;
        let boot = 1;
        world.values.watch('likes', '');
        const answer = (isFull = false): void => {
          world.runtime.advance(50);
          for (const message of world.sent.splice(0)) {
            if (message.type !== 'value') continue;
            if (isFull) {
              world.values.refusedForNow('likes', '', message.offer, RETRY_AFTER_MS);
              continue;
            }
            const seq = room.offer(Number(message.value), message.offer);
            world.values.taken({ type: 'valueTaken', name: 'likes', key: '', offer: message.offer, boot: `boot${boot}`, seq });
          }
          const entry = { name: 'likes', key: '', value: room.sum, seq: Math.max(1, room.seq), written: false, updatedBy: null };
          world.values.values({ type: 'values', reset: false, boot: `boot${boot}`, entries: [entry] });
        };
        const write = (): void => {
          room.write();
          world.write(room.row.sum, room.row.seq);
        };
        for (const action of steps) {
          if (action.do === 'add') {
            own += action.delta;
            const before = Number(world.last?.value ?? 0);
            world.values.add('likes', '', action.delta);
            if (action.delta !== 0) expect(Number(world.last?.value)).toBe(before + action.delta);
          } else if (action.do === 'other') room.add(action.delta);
          else if (action.do === 'room') answer();
          else if (action.do === 'full') answer(true);
          else if (action.do === 'write') write();
          else if (action.do === 'replace') world.replace(`boot${boot}`);
          else {
            // What was sent and not answered is lost; after a crash the room has the row alone.
            world.sent.length = 0;
            world.values.lost();
            if (action.do === 'crash') {
              room.crash();
              boot += 1;
            }
            world.values.welcomed(`boot${boot}`, 100_000);
          }
        }
        const others = room.sum - room.counted;
        world.runtime.advance(RETRY_AFTER_MS);
        answer();
        expect(Number(world.last?.value)).toBe(others + own);
        expect(room.sum).toBe(others + own);
        write();
        expect(world.last).toMatchObject({ value: others + own, pending: false });
      }),
    );
  });
});
