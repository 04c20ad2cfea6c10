import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AlcoveError } from '@alcove/server/node';

export interface DemoOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** Where the trips are kept; absolute. */
  readonly dataDir: string;
  /** Pages from their sources through Vite, instead of the built ones. */
  readonly dev: boolean;
  /** Deletes all trips first. */
  readonly reset: boolean;
}

export const USAGE = `Options:
  --port NUMBER   where to listen: $PORT, else 8787 by default; 0 takes a free one
  --host ADDRESS  127.0.0.1 by default: this machine only; 0.0.0.0 lets in everybody who can reach it
  --data FOLDER   where the trips are kept, examples/trip-planner/data by default
  --reset         deletes all trips kept there and starts anew
  --dev           pages from their sources, with hot reload`;

const PORT = 8787;

/**
 * @param home folder of the example; the default place of the trips is in it
 * @param portWished what the environment's PORT says, where it says anything
 * @throws AlcoveError `option_invalid`
 */
export function readOptions(args: readonly string[], home: string, portWished?: string): DemoOptions {
  const given = parse(args);
  const wished = portWished === undefined || portWished === '' ? null : portWished;
  const named = given.port ?? wished ?? String(PORT);
  if (!/^\d+$/.test(named) || Number(named) > 65_535)
    throw invalid(`${given.port === undefined ? 'PORT=' : '--port '}${named} is no number from 0 to 65535`);
  return {
    port: Number(named),
    host: given.host ?? '127.0.0.1',
    dataDir: given.data === undefined ? resolve(home, 'data') : resolve(given.data),
    dev: given.dev ?? false,
    reset: given.reset ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        dev: { type: 'boolean' },
        reset: { type: 'boolean' },
      },
    });
    return values;
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause));
  }
}

const invalid = (message: string) => new AlcoveError('option_invalid', message, { hint: USAGE });
