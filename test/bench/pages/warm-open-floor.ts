import { offer } from './bench-page.ts';
import { PREFIX, SEARCH_SQL } from './city-search.ts';
import { memoryBytes } from './memory-bytes.ts';
import type { ImageRequest } from './raw-image.ts';

// The address and the ticket of the image stand in the page's own address; they count the first time only.
const [url = '', ticket = ''] = JSON.parse(decodeURIComponent(location.hash.slice(1))) as string[];
const worker = new Worker(new URL('./kept-image.worker.ts', import.meta.url), { type: 'module' });
const opened = new Promise<{ ms: number; rows: readonly unknown[] }>((resolve) => {
  worker.addEventListener('message', ({ data: rows }: MessageEvent<unknown[]>) => resolve({ ms: performance.now(), rows }));
});
worker.postMessage({ url, ticket, sql: SEARCH_SQL, params: PREFIX } satisfies ImageRequest);
offer({ opened: () => opened, saved: () => opened.then(() => undefined), memoryBytes });
