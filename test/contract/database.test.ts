import { databaseContract } from './database-contract.ts';
import { engines } from './engines.ts';

for (const engine of engines) databaseContract(engine.name, engine.open);
