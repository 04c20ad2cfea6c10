// A real PostgreSQL with standbys, for the benches that read from one. Run from its source, which is where its binaries are found from. Argument: number of standbys.
import { PgCluster } from '../integration/postgres/pg-cluster.ts';
import { answerParent } from './child.ts';

export interface ClusterUrls {
  readonly primary: string;
  readonly standbys: readonly string[];
}

const cluster = await PgCluster.start({ standbys: Number(process.argv[2] ?? 0) });
const urls: ClusterUrls = { primary: cluster.primary.url, standbys: cluster.standbys.map(({ url }) => url) };
answerParent(JSON.stringify(urls), () => cluster.close());
