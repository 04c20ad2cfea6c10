import { expect, it } from 'vitest';
import { reachOf } from './share.tsx';

it('says of a link who can open it', () => {
  for (const own of ['http://localhost:8787/trip/a', 'http://127.0.0.1:8787/trip/a', 'http://[::1]:8787/trip/a'])
    expect(reachOf(own)).toMatch(/on this computer only/);
  for (const open of ['http://192.168.1.4:8787/trip/a', 'https://trips.example/trip/a'])
    expect(reachOf(open)).toBe('Without a link nobody gets in.');
});
