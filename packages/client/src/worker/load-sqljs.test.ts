import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, expect, it, vi } from 'vitest';
import { loadSqljs } from './load-sqljs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('[WK-22] loads SQLite again after it could not be loaded, and then once', async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'));
  const answers = [new Response('gone', { status: 503 }), new Response(new Uint8Array(wasm))];
  const asked = vi.fn<() => Promise<Response>>(() => Promise.resolve(answers.shift() ?? Response.error()));
  vi.stubGlobal('fetch', asked);
  await expect(loadSqljs()).rejects.toMatchObject({ code: 'wasm_failed' });
  const sqljs = await loadSqljs();
  expect(await loadSqljs()).toBe(sqljs);
  expect(new sqljs.Database().exec('SELECT 1')[0]?.values).toEqual([[1]]);
  expect(asked).toHaveBeenCalledTimes(2);
});

it('[WK-22] compiles SQLite while it arrives where the server says what it is', async () => {
  const wasm = new Uint8Array(readFileSync(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm')));
  const asked = vi.fn<() => Promise<Response>>(() =>
    Promise.resolve(new Response(wasm, { headers: { 'content-type': 'application/wasm' } })),
  );
  vi.stubGlobal('fetch', asked);
  vi.resetModules();
  const compileStreaming = vi.spyOn(WebAssembly, 'compileStreaming');
  const { loadSqljs: loadAnew } = await import('./load-sqljs.ts');
  const sqljs = await loadAnew();
  expect(compileStreaming).toHaveBeenCalledOnce();
  expect(new sqljs.Database().exec('SELECT 1')[0]?.values).toEqual([[1]]);
});
