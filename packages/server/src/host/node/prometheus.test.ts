import { expect, test } from 'vitest';
import { fleet, RoutedReads } from '../../../../../test/fake/routed-reads.ts';
import { WorkMeter } from '../../limits/work-meter.ts';
import type { RouterSnapshot } from '../../read/router-snapshot.ts';
import { Prometheus } from './prometheus.ts';
import type { ServerStatus } from './server-status.ts';

const work = new WorkMeter();
work.did('valueUpdates', 60);
work.did('valueWrites', 2);
work.did('stateEvictions', 3);
work.did('commits', 4);
const ephemeral = { presence: 5, cursors: 6, keys: 7, bytes: 800, unwrittenValues: 1, unwrittenValueBytes: 90 };
const statusOf = (sessions: number, reads: RouterSnapshot = new RoutedReads().router.snapshot()): ServerStatus =>
  ({
    status: 'ok',
    metrics: {
      uptimeMs: 0,
      connections: 0,
      connectionsUnwelcomed: 0,
      openRooms: 0,
      sessions,
      sessionsRelayed: 0,
      followerLinks: 0,
      limitsMet: {},
      ephemeral,
      work: work.counts(),
    },
    reads,
    mirror: null,
  }) as unknown as ServerStatus; // what metrics are made of

test('[HO-38] a scrape is one look at the server, however many metrics there are; the next one is another', async () => {
  let looks = 0;
  const prometheus = new Prometheus(() => statusOf((looks += 1)));
  const sessionsIn = (text: string): string | undefined => /^alcove_sessions (\d)$/m.exec(text)?.[1];
  try {
    expect(sessionsIn(await prometheus.text())).toBe('1');
    expect((await Promise.all([prometheus.text(), prometheus.text()])).map(sessionsIn)).toEqual(['2', '3']);
    expect(looks).toBe(3);
  } finally {
    prometheus.close();
  }
});

test('[HO-38] tells of reads and their replicas, of short-lived states and of values that were debounced', async () => {
  const { reads, a, b } = await fleet();
  await reads.answerers(6);
  for (const replica of [a, b]) replica.fault = 'down';
  await reads.readNow();
  const snapshot = reads.router.snapshot();
  const prometheus = new Prometheus(() => statusOf(1, snapshot));
  const lines = (await prometheus.text()).split('\n');
  prometheus.close();
  expect(lines).toEqual(
    expect.arrayContaining([
      'alcove_read_fallbacks_total 1',
      'alcove_reads_total{replica="a"} 3',
      'alcove_reads_total{replica="primary"} 1',
      'alcove_read_errors_total{replica="b"} 1',
      'alcove_read_statement_errors_total{replica="b"} 0',
      'alcove_replica_up{replica="a"} 1',
      'alcove_replica_lag_seconds{replica="a"} 0',
      `alcove_read_p99_seconds{replica="a"} ${(snapshot.replicas[0]?.p99Ms ?? 0) / 1_000}`,
      'alcove_commits_total 4',
      'alcove_states{kind="presence"} 5',
      'alcove_states{kind="cursors"} 6',
      'alcove_states{kind="keys"} 7',
      'alcove_state_bytes 800',
      'alcove_state_evictions_total 3',
      'alcove_value_updates_total 60',
      'alcove_value_writes_total 2',
      'alcove_values_unwritten 1',
    ]),
  );
});
