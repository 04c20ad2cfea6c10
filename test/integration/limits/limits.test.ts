import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '@alcove/core/error';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HOST_LIMITS } from '../../../packages/server/src/host/node/host-limits.ts';
import { ROOM_LIMITS } from '../../../packages/server/src/room/room-options.ts';
import type { Edge } from './edge.ts';
import { EDGES_OF_MESSAGES } from './edges-of-messages.ts';
import { EDGES_OF_MUTATIONS } from './edges-of-mutations.ts';
import { EDGES_OF_READERS } from './edges-of-readers.ts';
import { EDGES_OF_SOCKETS } from './edges-of-sockets.ts';
import { EDGES_OF_STATES } from './edges-of-states.ts';
import { LimitedServer } from './limited-server.ts';
import { MET_ELSEWHERE, QUIET_LIMITS } from './quiet-limits.ts';
import { eventually } from '../../fake/eventually.ts';

const EDGES: readonly Edge[] = [...EDGES_OF_MESSAGES, ...EDGES_OF_MUTATIONS, ...EDGES_OF_STATES, ...EDGES_OF_SOCKETS, ...EDGES_OF_READERS];
const FIXED = ['changeSetBytesMax', 'messageFragmentsMax'];

let at: LimitedServer | null = null;
afterEach(async () => {
  await at?.end();
  at = null;
});

describe('every limit of the server', () => {
  it('is pushed over its edge here, or is one that nobody meets', () => {
    const all = [...Object.keys(ROOM_LIMITS), ...Object.keys(HOST_LIMITS)].sort();
    const met = EDGES.map(({ limit }): string => limit).filter((limit) => !FIXED.includes(limit));
    const quiet = Object.keys({ ...QUIET_LIMITS, ...MET_ELSEWHERE });
    expect([...new Set([...met, ...quiet])].sort()).toEqual(all);
    expect(met.filter((limit) => quiet.includes(limit))).toEqual([]);
  });

  it('that asks for another try has a code that allows one', () => {
    for (const { limit, code, waits = false } of EDGES) expect(code !== null && waits && !ERROR_CODES[code].retryable, limit).toBe(false);
  });
});

describe('just within a limit everything passes; just past it', () => {
  it.each(EDGES.map((edge) => [edge.by === undefined ? edge.limit : `${edge.limit}, ${edge.by}`, edge] as const))(
    '[HO-41] %s',
    { timeout: 60_000 },
    async (_, edge) => {
      const server = await LimitedServer.start(edge.set);
      at = server;
      await edge.under(server);
      expect(server.met(edge.limit)).toBe(0);
      const told = await edge.over(server);
      expect({ code: told.code ?? null, closed: told.closed ?? null, waits: (told.retryAfterMs ?? 0) > 0 }).toEqual({
        code: edge.code,
        closed: edge.closes ?? null,
        waits: edge.waits ?? false,
      });
      await eventually(() => expect(server.met(edge.limit)).toBeGreaterThan(0));
      expect(await told.peer?.lives()).not.toBe(false);
      await serves(server);
    },
  );
});

/** Somebody else comes in and writes, as soon as there is room. */
const serves = async (server: LimitedServer): Promise<void> => {
  server.leave();
  await vi.waitFor(
    async () => {
      const peer = await server.join('bystander', 'bystanders');
      expect(await peer.notes(1)).toMatchObject([{ how: 'applied' }]);
    },
    { timeout: 20_000 },
  );
};

describe('the table of the guide', () => {
  it('names every limit that somebody meets, with its default and its codes', () => {
    const guide = readFileSync(fileURLToPath(new URL('../../../docs/GUIDE.md', import.meta.url)), 'utf8');
    const rows = [...guide.matchAll(/^\| `(\w+)` \| ([\d,]+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$/gm)];
    const shown = rows.map(([, name = '', byDefault = '', codes = '']) => [name, byDefault, codesIn(codes)].join(' '));
    const tables: Readonly<Record<string, { readonly default: number }>> = { ...ROOM_LIMITS, ...HOST_LIMITS };
    const names = new Set(EDGES.map(({ limit }): string => limit).filter((limit) => !FIXED.includes(limit)));
    const known = [...names].map((name) => [name, tables[name]?.default.toLocaleString('en-US'), codesOf(name)].join(' '));
    expect(shown.sort()).toEqual(known.sort());
  });
});

const codesIn = (cell: string): string =>
  [...cell.matchAll(/`(\w+)`/g)]
    .map(([, code = '']) => code)
    .sort()
    .join(',');

/** Where only pings past it end the session, no message says so: the close frame does. */
const codesOf = (name: string): string => {
  const told = EDGES.filter(({ limit }) => limit === name).map(({ code, closes }) => code ?? (closes === 4429 ? 'rate_limited' : null));
  return [...new Set(told.filter((code) => code !== null))].sort().join(',');
};
