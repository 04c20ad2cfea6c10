import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { LimitMeter } from './limit-meter.ts';

describe('LimitMeter', () => {
  it('counts for itself and for its parent, by the name of the limit', () => {
    const names = new Set(['sessionsMax', 'stateEntriesMax']);
    const server = new LimitMeter(new Set([...names, 'openRoomsMax']));
    const [one, two] = [new LimitMeter(names, server), new LimitMeter(names, server)];
    one.met('sessionsMax');
    one.met('stateEntriesMax', 3);
    one.met('openRoomsMax', 0);
    two.saw(new AlcoveError('rate_limited', 'too fast', { limit: 'sessionsMax' }));
    two.saw(new AlcoveError('forbidden', 'no'));
    two.saw(new AlcoveError('forbidden', 'of an app', { limit: 'whatever a peer wrote' }));
    expect(one.counts()).toEqual({ sessionsMax: 1, stateEntriesMax: 3 });
    expect(two.counts()).toEqual({ sessionsMax: 1 });
    expect(server.counts()).toEqual({ sessionsMax: 2, stateEntriesMax: 3 });
  });
});
