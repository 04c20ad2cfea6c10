/// <reference types="vite/client" />
/** Where the build puts SQLite's wasm for the floors. */
export { default as wasmUrl } from 'sql.js/dist/sql-wasm-browser.wasm?url';
