import { startPage } from './notebook-page.ts';
import { notebook } from './room.ts';

startPage(notebook, () => new Worker(new URL('./older.worker.ts', import.meta.url), { type: 'module' }));
