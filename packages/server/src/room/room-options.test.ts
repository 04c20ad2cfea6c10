import { describe, expect, it } from 'vitest';
import { resolveRoomOptions } from './room-options.ts';

describe('room options', () => {
  it('resolves to the defaults, overridden one by one', () => {
    const resolved = resolveRoomOptions({ limits: { clientsMax: 7 } });
    expect(resolved.limits.clientsMax).toBe(7);
    expect(resolved.limits.pushMutationsMax).toBe(100);
    expect(resolved.acceptLostTail).toBe(false);
  });

  it.each([
    [{ clientsMax: 0 }, /limits\.clientsMax must be a whole number from 1 to 10000000, and is 0/],
    [{ clientsMax: 1.5 }, /limits\.clientsMax/],
    [{ ephemeralTickMs: Number.NaN }, /limits\.ephemeralTickMs/],
    [{ heartbeatIntervalMs: 60_000 }, /limits\.heartbeatIntervalMs \(60000\) must not be above limits\.idleTimeoutMs \(45000\)/],
    [{ clientMax: 3 } as object, /limits\.clientMax is no limit of a room/],
  ])('[RM-24] refuses %o, naming the option and the range', (limits, message) => {
    expect(() => resolveRoomOptions({ limits })).toThrowError(message);
    expect(() => resolveRoomOptions({ limits })).toThrowError(expect.objectContaining({ code: 'option_invalid' }));
  });
});
