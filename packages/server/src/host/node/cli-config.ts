import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AlcoveError } from '@alcove/core/error';
import { SERVER_OPTIONS } from './server-options.ts';
import type { ServerOptions } from './server-options.ts';

/**
 * Loads a config module: its default export, or those of its named exports that are called like one, are options of createServer; `rooms` must be among them.
 * @throws AlcoveError `option_invalid`
 */
export const loadConfig = async (path: string): Promise<Partial<ServerOptions> & Pick<ServerOptions, 'rooms'>> => {
  const exported = await importModule(path);
  const config =
    'default' in exported && typeof exported['default'] === 'object' && exported['default'] !== null
      ? exported['default']
      : Object.fromEntries(Object.entries(exported).filter(([name]) => Object.hasOwn(SERVER_OPTIONS, name))); // a module may export more
  if (!('rooms' in config) || !Array.isArray(config.rooms)) {
    throw new AlcoveError('option_invalid', `${path} exports no rooms`, {
      hint: 'Write: export default { rooms: [trip], port: 8787, … }, the options of createServer.',
    });
  }
  return config as Partial<ServerOptions> & Pick<ServerOptions, 'rooms'>; // createServer checks every option anew
};

const importModule = async (path: string): Promise<Record<string, unknown>> => {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>; // what any module is
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const isTypeScript = /\.[cm]?tsx?$/.test(path) && /Unknown file extension|strip/i.test(message);
    throw new AlcoveError('option_invalid', `the config ${path} cannot be loaded: ${message}`, {
      ...(isTypeScript
        ? { hint: 'This Node runs no TypeScript by itself: run it with NODE_OPTIONS="--import tsx", or build the config first.' }
        : {}),
      cause,
    });
  }
};
