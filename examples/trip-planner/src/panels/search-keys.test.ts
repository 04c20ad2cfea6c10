import { describe, expect, it } from 'vitest';
import { type ListState, listStep } from './search-keys.ts';

const OPEN: ListState = { open: true, current: 0, count: 3, pending: false, text: 'nar' };

describe('listStep', () => {
  it('moves round through the list, and opens it at its first', () => {
    expect(listStep('ArrowDown', OPEN)).toEqual({ kind: 'move', to: 1 });
    expect(listStep('ArrowUp', OPEN)).toEqual({ kind: 'move', to: 2 });
    expect(listStep('ArrowDown', { ...OPEN, current: 2 })).toEqual({ kind: 'move', to: 0 });
    expect(listStep('ArrowUp', { ...OPEN, open: false, current: 2 })).toEqual({ kind: 'move', to: 0 });
    expect(listStep('ArrowDown', { ...OPEN, count: 0 })).toBeNull();
  });

  it('chooses the current option, or the first of a list that is closed', () => {
    expect(listStep('Enter', { ...OPEN, current: 2 })).toEqual({ kind: 'choose', at: 2 });
    expect(listStep('Enter', { ...OPEN, current: 2, open: false })).toEqual({ kind: 'choose', at: 0 });
    expect(listStep('Enter', { ...OPEN, count: 0 })).toBeNull();
    expect(listStep('Enter', { ...OPEN, text: ' ' })).toBeNull();
  });

  it('chooses nothing from the list of an earlier text', () => {
    expect(listStep('Enter', { ...OPEN, pending: true })).toEqual({ kind: 'await' });
  });

  it('closes, then clears, then leaves Escape to the page', () => {
    expect(listStep('Escape', OPEN)).toEqual({ kind: 'close' });
    expect(listStep('Escape', { ...OPEN, open: false })).toEqual({ kind: 'clear' });
    expect(listStep('Escape', { ...OPEN, open: false, text: '' })).toBeNull();
  });

  it('leaves every other key to the field', () => {
    for (const key of ['a', 'Home', 'End', 'ArrowLeft', 'Tab']) expect(listStep(key, OPEN)).toBeNull();
  });
});
