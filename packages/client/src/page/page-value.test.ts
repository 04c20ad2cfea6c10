import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import type { ValueNotice } from '../sync/engine-interface.ts';
import type { EngineOrder } from '../worker/engine-port.ts';
import { PageValue } from './page-value.ts';

class Page {
  readonly orders: EngineOrder[] = [];
  hasEngine = true;
  readonly value = new PageValue('zoom', 'map', (order) => {
    if (this.hasEngine) this.orders.push(order);
    return this.hasEngine;
  });

  /** As the engine tells it. */
  hear(value: number | undefined, pending: boolean, change: number, counter: ValueNotice['counter'] = null): void {
    this.value.hear({ type: 'value', name: 'zoom', key: 'map', value, pending, updatedBy: null, change, counter }, 'me');
  }

  get shown(): unknown[] {
    const { value, pending } = this.value.getSnapshot();
    return [value, pending];
  }

  /** What was told since the last time. */
  told(): string[] {
    return this.orders.splice(0).map((order) => ('change' in order ? `${order.type} ${order.change}` : order.type));
  }
}

describe('a debounced value on the page', () => {
  it('[EP-19] shows an own value until the engine has it, whatever was on its way before', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.hear(undefined, false, 0);
    expect(page.shown).toEqual([5, true]);
    page.hear(5, true, 1);
    page.value.set(6);
    page.hear(5, false, 1);
    expect(page.shown).toEqual([6, true]);
    page.hear(6, true, 2);
    page.hear(6, false, 2);
    page.hear(7, false, 2);
    expect(page.shown).toEqual([7, false]);
  });

  it('[WK-2] tells a new engine of what is not written, and of nothing that is', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.hear(undefined, false, 0);
    page.told();
    page.value.attach();
    expect(page.told()).toEqual(['watchValue', 'setValue 1']);
    page.hear(undefined, false, 0);
    page.hear(5, true, 1);
    page.hear(5, false, 1);
    page.value.attach();
    expect(page.told()).toEqual(['watchValue']);
  });

  it('is watched until it is written, subscribed to or not, so that it is not set again much later', () => {
    const page = new Page();
    page.value.set(5);
    expect(page.told()).toEqual(['watchValue', 'setValue 1']);
    page.hear(5, true, 1);
    page.hear(5, false, 1);
    expect(page.told()).toEqual(['unwatchValue']);
    page.value.attach();
    expect(page.told()).toEqual([]);
  });

  it('[EP-22] a counter goes on from its totals in another engine, and starts over as another client', () => {
    const page = new Page();
    const restored = (): unknown => page.orders.splice(0).find((order) => order.type === 'restoreCounter');
    page.value.subscribe(() => undefined);
    page.value.add(2);
    page.hear(0, false, 0);
    expect(page.shown).toEqual([2, true]);
    page.hear(2, true, 1, { total: 2, written: 1, clientId: 'me' });
    page.hasEngine = false;
    page.value.add(3);
    page.hasEngine = true;
    page.value.attach();
    expect(restored()).toMatchObject({ totals: { total: 5, written: 1 }, change: 2 });
    page.hear(5, true, 2, { total: 50, written: 50, clientId: 'somebody else' });
    page.value.attach();
    expect(restored()).toMatchObject({ totals: { total: 5, written: 1 } });
    page.value.startOver();
    page.value.attach();
    expect(restored()).toMatchObject({ totals: { total: 4, written: 0 } });
    page.hear(9, false, 2, { total: 4, written: 4, clientId: 'me' });
    page.value.attach();
    expect(restored()).toMatchObject({ totals: { total: 4, written: 4 } });
    expect(page.shown).toEqual([9, false]);
  });

  it('a refused value is taken back', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.value.refused(new AlcoveError('value_invalid', 'no'));
    expect(page.value.getSnapshot()).toMatchObject({ pending: false, error: { code: 'value_invalid' } });
    page.hear(3, false, 1);
    expect(page.shown).toEqual([3, false]);
    page.told();
    page.value.attach();
    expect(page.told()).toEqual(['watchValue']);
  });

  it('[EP-21] why a value was refused is told until the next one is set, whatever is heard of it meanwhile', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.value.refused(new AlcoveError('value_invalid', 'no'), 1);
    page.hear(3, false, 1);
    page.hear(4, false, 1);
    expect(page.value.getSnapshot()).toMatchObject({ value: 4, error: { code: 'value_invalid' } });
    page.value.set(6);
    expect(page.value.getSnapshot().error).toBeUndefined();
  });

  it('[EP-21] what was refused late takes nothing back of what was set after it', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.value.set(6);
    page.value.refused(new AlcoveError('value_invalid', 'no'), 1);
    expect([page.value.getSnapshot(), page.value.isUnwritten]).toMatchObject([{ value: 6, pending: true, error: undefined }, true]);
  });

  it('[EP-21] what was set before a refused change and is not written stands, and another engine is told of it', () => {
    const page = new Page();
    page.value.subscribe(() => undefined);
    page.value.set(5);
    page.value.set(6);
    page.value.refused(new AlcoveError('value_invalid', 'no'), 2);
    page.hear(5, true, 1);
    expect([page.value.getSnapshot(), page.value.isUnwritten]).toMatchObject([
      { value: 5, pending: true, error: { code: 'value_invalid' } },
      true,
    ]);
    page.told();
    page.value.attach();
    expect(page.told()).toEqual(['watchValue', 'setValue 1']);
    page.hear(5, false, 1);
    expect(page.value.isUnwritten).toBe(false);
  });

  it('[EP-21] of two that were refused none stands', () => {
    const page = new Page();
    page.value.set(5);
    page.value.set(6);
    page.value.refused(new AlcoveError('value_invalid', 'no'), 1);
    page.value.refused(new AlcoveError('value_invalid', 'no'), 2);
    expect(page.value.isUnwritten).toBe(false);
  });
});
