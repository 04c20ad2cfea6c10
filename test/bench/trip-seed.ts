// Makes the SQLite file that a new trip with all cities begins with, or finds it made. Arguments: the folder it is kept in. Says its path.
import { fileURLToPath } from 'node:url';
import { seedFile } from '../../examples/trip-planner/src/server/seed-file.ts';

const [folder = ''] = process.argv.slice(2);
const source = (path: string): string => fileURLToPath(new URL(`../../examples/trip-planner/${path}`, import.meta.url));
const madeBy = ['room.ts', 'src/fold.ts', 'src/server/cities.ts', 'src/server/seed.ts'].map(source);
const path = await seedFile({ folder, madeBy, onMaking: () => undefined });
process.send?.({ said: path }, () => process.exit(0));
