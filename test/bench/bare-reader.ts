// The floor of reads: better-sqlite3 in one thread, rows to JSON, nothing else. Arguments: path of a room's file, kind of read, how long, in ms.
import Database from 'better-sqlite3';
import { answerParent } from './child.ts';
import { READ_KINDS, type ReadKind } from './read-kinds.ts';

const [path = '', kind = 'lookup', ms = '1000'] = process.argv.slice(2);
const { sql, paramOf } = READ_KINDS[kind as ReadKind]; // reads.bench.ts names it
const database = new Database(path, { readonly: true });
const statement = database.prepare(sql).raw();

let reads = 0;
let bytes = 0;
const read = (): void => {
  reads += 1;
  bytes += JSON.stringify(statement.all(paramOf(reads * 7_919))).length;
};
// Pages and code are warm before it counts.
for (const untilMs = performance.now() + Number(ms) / 4; performance.now() < untilMs; ) read();
reads = 0;
const { user, system } = process.cpuUsage();
const startMs = performance.now();
for (const untilMs = startMs + Number(ms); performance.now() < untilMs; ) read();
const tookMs = performance.now() - startMs;
const spent = process.cpuUsage({ user, system });
if (bytes === 0) throw new TypeError('nothing was read');
database.close();
answerParent(
  JSON.stringify({ perSecond: (reads / tookMs) * 1_000, cpuMs: (spent.user + spent.system) / 1_000 / reads }),
  async () => undefined,
);
