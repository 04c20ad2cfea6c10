import { startWorker } from '@alcove/client/worker';
import { board } from '../bench-room.ts';

startWorker(board);
