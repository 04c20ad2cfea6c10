// Puts SQLite's wasm file beside the module that loads it, so that its address can be written out and every bundler finds it.
import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const from = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm-browser.wasm');
copyFileSync(from, fileURLToPath(new URL('../src/worker/sql-wasm-browser.wasm', import.meta.url)));
