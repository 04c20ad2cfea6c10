import { startWorker } from '@alcove/client/worker';
import { notebook } from './room.ts';

startWorker(notebook);
