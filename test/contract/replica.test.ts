import { FollowerWorld } from './follower-world.ts';
import { ReaderPoolWorld } from './reader-pool-world.ts';
import { replicaContract } from './replica-contract.ts';

replicaContract('reader processes', async () => new ReaderPoolWorld());
replicaContract('a follower', () => FollowerWorld.open());
