import { startWorker } from '@alcove/client/worker';
import { notebook } from './worker-room.ts';

startWorker(notebook);
