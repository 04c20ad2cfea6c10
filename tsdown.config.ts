import { existsSync } from 'node:fs';
import { defineConfig } from 'tsdown';

/** One output module per source module, so that an application's bundler drops what it does not use. */
export default defineConfig({
  workspace: ['packages/*'],
  entry: ['src/**/*.{ts,tsx}', '!src/**/*.test.{ts,tsx}'],
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  unbundle: true,
  fixedExtension: false,
  dts: true,
  sourcemap: true,
  deps: { neverBundle: [/^node:/, /^cloudflare:/] },
  inputOptions: { checks: { pluginTimings: false } },
  // SQLite's wasm file stands beside the module that names it.
  copy: ({ cwd }) =>
    existsSync(`${cwd}/src/worker/sql-wasm-browser.wasm`) ? [{ from: 'src/worker/sql-wasm-browser.wasm', to: 'dist/worker' }] : [],
  clean: true,
});
