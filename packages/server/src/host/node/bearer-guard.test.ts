import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { CollectingLogger } from '../../../../../test/fake/collecting-logger.ts';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { LimitMeter } from '../../limits/limit-meter.ts';
import { BearerGuard } from './bearer-guard.ts';

const token = 'the-right-token-of-this-test';
const bringing = (brought: string | null): IncomingMessage =>
  ({ headers: brought === null ? {} : { authorization: `Bearer ${brought}` } }) as IncomingMessage; // nothing else of it is looked at

describe('a token that is guarded', () => {
  it('[HO-42] passes always; wrong ones are told once a minute, and past the rate they wait and are counted', () => {
    const runtime = new FakeRuntime();
    const log = runtime.log as CollectingLogger; // which it makes by itself
    const meter = new LimitMeter(new Set(['wrongTokensPerMinuteMax']));
    const guard = new BearerGuard({ token, name: 'the token', limits: { wrongTokensPerMinuteMax: 3 }, runtime, meter });
    const codes = (brought: string | null, count: number): (string | undefined)[] =>
      Array.from({ length: count }, () => guard.refusal(bringing(brought), 'bring it')?.code);

    expect(codes(null, 10)).toEqual(Array.from({ length: 10 }, () => 'unauthenticated'));
    expect(log.entries).toEqual([]);
    expect(codes('guess', 4)).toEqual(['unauthenticated', 'unauthenticated', 'unauthenticated', 'rate_limited']);
    expect(guard.refusal(bringing('guess'), 'bring it')).toMatchObject({ retryAfterMs: 20_000, limit: 'wrongTokensPerMinuteMax' });
    expect(codes(token, 2)).toEqual([undefined, undefined]);
    expect(meter.counts()).toEqual({ wrongTokensPerMinuteMax: 2 });
    runtime.time.advance(20_000);
    expect(codes('guess', 2)).toEqual(['unauthenticated', 'rate_limited']);
    runtime.time.advance(40_000);
    codes('guess', 1);
    expect(log.entries.map(({ fields }) => fields)).toEqual([{ requests: 1 }, { requests: 7 }]);
    expect(JSON.stringify(log.entries)).not.toContain('guess');
  });
});
