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
    return await started(await compiled(response));
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    throw new AlcoveError('wasm_failed', `SQLite could not be started: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** While it arrives, and where the browser keeps what it compiled with the file, not at all; as a whole from servers that call it something else. */
async function compiled(response: Response): Promise<WebAssembly.Module> {
  const isWasm = response.headers.get('content-type')?.startsWith('application/wasm') === true;
  return isWasm ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** sql.js waits for ever where what it was handed to start its module fails. */
function started(module: WebAssembly.Module): Promise<SqlJsStatic> {
  return new Promise((resolve, reject) => {
    const instantiateWasm = (imports: WebAssembly.Imports, take: (instance: WebAssembly.Instance) => void): undefined => {
      WebAssembly.instantiate(module, imports).then(take, reject);
    };
    initSqlJs({ instantiateWasm }).then(resolve, reject);
  });
}
