import { startWorker } from '@alcove/client/worker';
import { trip } from '../room.ts';

startWorker(trip);
