import { existsSync } from 'node:fs';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/server/node';
import sirv from 'sirv';

/** The page runs what comes from here and nothing else; SQLite's wasm has to be allowed by name. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  // Not every browser counts the sockets of this very server as 'self'.
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const YEAR_S = 365 * 24 * 60 * 60;

/** Where a page in development asks why the server stopped; see scripts/dev-front.mjs. */
export const isStoppedPath = (path: string): boolean => path === '/stopped';

export function sendJson(response: ServerResponse, body: Readonly<Record<string, boolean | string | null>>): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    .end(JSON.stringify(body));
}

/**
 * Answers with the built page. Files under /assets/ are named by their content and kept for ever; compressed copies that the build wrote beside them are
 * sent to those who take them. Every address without a file is a trip's: the page itself.
 *
 * @throws AlcoveError `option_invalid` where nothing was built
 */
export function builtPages(folder: string): RequestListener {
  if (!existsSync(join(folder, 'index.html')))
    throw new AlcoveError('option_invalid', `there is no built page in ${folder}`, {
      hint: 'Build it: npm run build. Or start with --dev.',
    });
  const serve = sirv(folder, { etag: true, gzip: true, brotli: true, single: true, setHeaders });
  return (request, response) => {
    if (request.method === 'GET' || request.method === 'HEAD')
      serve(request, response, () => answer(response, 404, 'There is nothing here.'));
    else answer(response, 405, 'Pages are only read.', { allow: 'GET, HEAD' });
  };
}

/**
 * Answers with the page from its sources; changes reach open pages through `server`. Modules that the server may run itself are left alone: `npm run dev`
 * starts the server again for those, and pages load anew once it is back. Told earlier, they would ask a server that is about to end.
 */
export async function pagesFromSource(root: string, server: Server): Promise<RequestListener> {
  const { createServer } = await import('vite');
  const watch = { ignored: ['**/packages/{core,server}/src/**/*.ts', join(root, '*.ts'), join(root, 'src/**/*.ts')] };
  const vite = await createServer({ root, appType: 'spa', server: { middlewareMode: true, hmr: { server }, watch } });
  return vite.middlewares;
}

function setHeaders(response: ServerResponse, path: string): void {
  response.setHeader('cache-control', path.startsWith('/assets/') ? `public, max-age=${YEAR_S}, immutable` : 'no-cache');
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
}

function answer(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers })
    .end(`${text}\n`);
}
