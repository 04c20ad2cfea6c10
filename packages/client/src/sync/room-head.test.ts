import { expect, it } from 'vitest';
import { RoomHead } from './room-head.ts';

it('is the newest version that was heard of', () => {
  const head = new RoomHead();
  head.welcomed(5);
  head.heard(8);
  head.heard(7);
  expect(head.version).toBe(8);
});

it('goes back to what is proven, once what was heard could not be applied', () => {
  const head = new RoomHead();
  head.welcomed(5);
  head.heard(9);
  head.proved(7);
  head.proved(6);
  head.doubt();
  expect(head.version).toBe(7);
});

it('is where a welcome says, lower ones too', () => {
  const head = new RoomHead();
  head.welcomed(5);
  head.heard(9);
  head.welcomed(3);
  expect(head.version).toBe(3);
  head.doubt();
  expect(head.version).toBe(3);
});
