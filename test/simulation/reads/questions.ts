import { type SQL, sql } from 'drizzle-orm';
import type { Prng } from '../../fake/prng.ts';

/** What is read: rows in one order alone, of tables that every release has, by none of the columns that may be hidden. */
const QUESTIONS: readonly ((random: Prng) => SQL)[] = [
  () => sql`select list, count(*) n, max(position) last from entries group by list order by list`,
  () => sql`select list, position, value, tag from entries order by list, position`,
  (random) =>
    sql`select value from entries where list = ${random.pick(['l1', 'l2', 'l3'])} order by position desc limit ${random.int(1, 6)}`,
  () => sql`select id, balance from accounts order by id`,
  () => sql`select sum(balance) total, count(*) n from accounts`,
  () => sql`select name, n from tallies order by name`,
  () => sql`select f.id, f.label, count(x.id) n from folders f left join files x on x."folderId" = f.id group by f.id order by f.id`,
  () => sql`select id, "folderId", body from files order by id`,
  () => sql`select "fileId", number, weight from pages order by 1, 2`,
  () => sql`select name, owner from names order by name`,
  () => sql`select id, "pageMs", "roomMs", dice, "user" from stamps order by id`,
  () => sql`select name, key, value from alcove_values order by 1, 2`,
  () => sql`select id, slot, team, level, owner, body, secret from notes order by id`,
  () => sql`select team, count(*) n, count(secret) secrets from notes group by team order by team`,
];

/** Of what rules show to some. */
export const RULED_QUESTIONS = QUESTIONS.slice(-2);

export const questionOf = (random: Prng): SQL => random.pick(QUESTIONS)(random);

/** As the server's own code asks: tables that stay in the room, too. */
export const OWN_QUESTIONS: readonly string[] = [
  'SELECT note FROM ledger ORDER BY note',
  'SELECT count(*) FROM ledger',
  'SELECT id, slot, team, secret FROM notes ORDER BY id',
  'SELECT id, balance FROM accounts ORDER BY id',
  'SELECT value FROM entries ORDER BY list, position',
];
