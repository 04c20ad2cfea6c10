import { PgCluster } from './pg-cluster.ts';

/** A process of tests that is killed while it has a cluster: says where the cluster is and which process is its first, and waits for its end. */
const cluster = await PgCluster.start({ standbys: 1 });
cluster.standbys[0]?.pause();
process.stdout.write(
  `${JSON.stringify({ directory: cluster.primary.directory, pids: [cluster.primary.pid, cluster.standbys[0]?.pid] })}\n`,
);
setInterval(() => {}, 60_000);
