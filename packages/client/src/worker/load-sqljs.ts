import { AlcoveError } from '@alcove/core/error';
import initSqlJs from 'sql.js';
import type { SqlJsStatic } from 'sql.js';

let loading: Promise<SqlJsStatic> | null = null;

/**
 * sql.js in a browser or a worker, loaded once; where that failed, again. The address is written out so that bundlers see the file and copy it.
 *
 * @throws AlcoveError `wasm_failed`: not found, wrong type, forbidden by a policy, or no memory to compile it.
 */
export function loadSqljs(): Promise<SqlJsStatic> {
  loading ??= load().catch((error: unknown) => {
    // Whoever asks next tries again: the network may be back.
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<SqlJsStatic> {
  const url = new URL('./sql-wasm-browser.wasm', import.meta.url);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new AlcoveError('wasm_failed', `sql-wasm-browser.wasm was answered with HTTP ${response.status}`);
    const wasmBinary = await response.arrayBuffer();
    return await initSqlJs({ wasmBinary });
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    throw new AlcoveError('wasm_failed', `SQLite could not be started: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
