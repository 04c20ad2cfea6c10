import { startWorker } from '@alcove/client/worker';
import { list } from './room.ts';

startWorker(list);
