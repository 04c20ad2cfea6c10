import { startPage } from './notebook-page.ts';
import { newerNotebook } from './room.ts';

startPage(newerNotebook, () => new Worker(new URL('./newer.worker.ts', import.meta.url), { type: 'module' }));
