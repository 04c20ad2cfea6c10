import { startWorker } from '@alcove/client/worker';
import { newerNotebook } from './room.ts';

startWorker(newerNotebook);
