import type { TextRow } from './snapshot-read.ts';

/** Where a PostgreSQL stands. LSNs count bytes of one timeline; a promote begins the next one, and nothing but the timeline tells the two apart. */
export interface PgPosition {
  /** Of the cluster: of a primary and its standbys the same, of no other. */
  readonly system: string;
  readonly timeline: number;
  /** Written by a primary, applied by a standby. */
  readonly lsn: bigint;
  readonly isStandby: boolean;
  /** How long ago what a standby applied last was committed; null: a primary, or a standby that has applied nothing yet. */
  readonly replayAgeMs: number | null;
}

/**
 * Every role may ask it. A standby has no function for the timeline that it applies: the largest is taken of what its control file says, which knows a new one only after a while, and of what it
 * receives, which only roles with `pg_read_all_stats` are told.
 * Everything in one answer: text, text, text, boolean, milliseconds.
 */
export const POSITION_SQL = `SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
  CASE WHEN pg_catalog.pg_is_in_recovery()
    THEN greatest((SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()),
      (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver))::text
    ELSE ('x' || lpad(left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8), 16, '0'))::bit(64)::bigint::text END,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END::text,
  pg_catalog.pg_is_in_recovery()::text,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN (extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::text END`;

/** @returns null where the server does not say where it stands. */
export function positionOf([system, timeline, lsn, standby, age]: TextRow): PgPosition | null {
  const bytes = lsn === null || lsn === undefined ? null : lsnOf(lsn);
  if (system === null || system === undefined || timeline === null || timeline === undefined || bytes === null) return null;
  return {
    system,
    timeline: Number(timeline),
    lsn: bytes,
    isStandby: standby === 'true',
    replayAgeMs: age === null || age === undefined ? null : Math.max(0, Number(age)),
  };
}

/** `16/B374D848` as a number of bytes. */
export function lsnOf(text: string): bigint | null {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? [];
  return high === undefined || low === undefined ? null : (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export const lsnText = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xff_ff_ff_ffn).toString(16).toUpperCase()}`;
