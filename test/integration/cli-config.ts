/** A config module as `alcove serve` takes it. */
import { trip } from './trip-room.ts';

export default { rooms: [trip] };
