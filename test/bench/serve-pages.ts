import { existsSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** Answers with the files of a folder, as they are: what loopback carries costs less than to compress it. */
export const pagesIn =
  (folder: string): RequestListener =>
  (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://bench').pathname);
    const file = join(folder, path);
    const type = TYPES[extname(file)];
    if (type === undefined || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    // Pages whose memory is measured must be isolated.
    // A build's files are named after what is in them, and so are kept by browsers; pages are asked for again.
    const cached = path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache';
    const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    response.writeHead(200, { 'content-type': type, 'cache-control': cached, ...isolated }).end(readFileSync(file));
  };
