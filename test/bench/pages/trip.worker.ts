import { startWorker } from '@alcove/client/worker';
import { trip } from '../../../examples/trip-planner/room.ts';

startWorker(trip);
