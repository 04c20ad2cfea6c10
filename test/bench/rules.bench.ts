import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import type { BenchChild } from './child.ts';
import { type Bench, type Figure, figureOf, median, reportOf } from './measure.ts';
import { startServer } from './start-server.ts';

const READERS = 200;
const MUTATIONS_PER_SECOND = 50;
const MUTATIONS = 200;
type SideName = 'floor' | 'one' | 'ten' | 'each' | 'floorOfMore' | 'tenOfMore';
/** Of readers, and in how many classes they are; 0: the room without rules. */
const SIDES: Readonly<Record<SideName, readonly [readers: number, classes: number]>> = {
  floor: [READERS, 0],
  one: [READERS, 1],
  ten: [READERS, 10],
  each: [READERS, READERS],
  floorOfMore: [2 * READERS, 0],
  tenOfMore: [2 * READERS, 10],
};
type CpuMs = Readonly<Record<SideName, number>>;

/** What rules cost the server, a commit, by how many classes its readers are in. */
export const rulesBench: Bench = {
  name: 'rules',
  async run({ runs, say }) {
    const sides: [SideName, Side][] = [];
    try {
      for (const name of Object.keys(SIDES) as SideName[]) {
        // an object with these keys and no others
        const [readers, classes] = SIDES[name];
        say(`${readers} readers join, ${classes === 0 ? 'without rules' : `in ${classes} class(es)`}`);
        sides.push([name, await Side.open(readers, classes)]);
      }
      const rounds: CpuMs[] = [];
      for (let run = 0; run <= runs; run += 1) {
        const round: [SideName, number][] = [];
        // Another one begins each time, so that a drift of the machine falls on all of them.
        const first = run % sides.length;
        for (const [name, side] of [...sides.slice(first), ...sides.slice(0, first)]) round.push([name, await side.cpuMsPerCommit()]);
        if (run > 0) rounds.push(Object.fromEntries(round) as CpuMs); // every side had its turn
      }
      return figures(rounds);
    } finally {
      for (const [, side] of sides) await side.close();
    }
  },
};

function figures(rounds: readonly CpuMs[]): Figure[] {
  const of = (name: string, ours: SideName, floor: SideName): Figure => {
    const [readers, classes] = SIDES[ours];
    const what = `server CPU a commit of one row that all see; ${readers} readers in ${classes} ${classes === 1 ? 'class' : 'classes'}, ${MUTATIONS_PER_SECOND} commits/s; floor: the same room without rules`;
    return figureOf(
      { name, unit: 'ms CPU/commit', what },
      rounds.map((cpu) => ({ ours: cpu[ours], floor: cpu[floor] })),
    );
  };
  const above = (name: SideName, floor: SideName): number => median(rounds.map((cpu) => cpu[name] - cpu[floor]));
  return [
    of('rules', 'one', 'floor'),
    of('rules-10', 'ten', 'floor'),
    of('rules-200', 'each', 'floor'),
    of('rules-more-readers', 'tenOfMore', 'floorOfMore'),
    reportOf(
      {
        name: 'rules-class',
        unit: 'µs CPU/commit',
        what: `what one class more costs: (${READERS} classes − 1) ÷ ${READERS - 1}; from 1 to 10 classes it is ${((above('ten', 'one') / 9) * 1_000).toFixed(0)}. What 10 classes cost above no rules: ${above('ten', 'floor').toFixed(2)} ms with ${READERS} readers, ${above('tenOfMore', 'floorOfMore').toFixed(2)} with ${2 * READERS}`,
      },
      rounds.map((cpu) => ((cpu.each - cpu.one) / (READERS - 1)) * 1_000),
    ),
  ];
}

/** A server of its own with one room, and its readers. */
class Side {
  readonly #folder: string;
  readonly #server: BenchChild;
  readonly #readers: readonly BoardSocket[];
  #mutationId = 0;

  static async open(readers: number, classes: number): Promise<Side> {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), hasTokens: true });
    const room = classes === 0 ? 'board' : 'ruled-board';
    const sockets: BoardSocket[] = [];
    for (let index = 0; index < readers; index += 1) {
      const token = JSON.stringify({ sub: `user-${index}`, list: index % Math.max(1, classes) });
      sockets.push(await BoardSocket.join(server.url, 'team', `client-${index}`, [], { room, token }));
    }
    return new Side(folder, server, sockets);
  }

  private constructor(folder: string, server: BenchChild, readers: readonly BoardSocket[]) {
    this.#folder = folder;
    this.#server = server;
    this.#readers = readers;
  }

  async cpuMsPerCommit(): Promise<number> {
    await this.#server.cpuMs();
    const commits = await this.#delivered();
    return (await this.#server.cpuMs()) / commits;
  }

  /** Pushes mutations at the rate, until every reader has every one; how many commits they came to, which are fewer where some arrived together. */
  #delivered(): Promise<number> {
    let outstanding = MUTATIONS * this.#readers.length;
    let delivered = 0;
    return new Promise((resolve, reject) => {
      for (const reader of this.#readers) {
        reader.onMessage = (message) => {
          if (message.type === 'error') reject(new TypeError(`${message.code}: ${message.message}`));
          if (message.type !== 'commit') return;
          delivered += 1;
          outstanding -= message.changes[0]?.puts[0]?.length ?? 0; // each mutation put one row
          if (outstanding === 0) resolve(delivered / this.#readers.length);
        };
      }
      const startMs = performance.now();
      let sent = 0;
      const sendDue = (): void => {
        const due = Math.min(MUTATIONS, Math.floor(((performance.now() - startMs) / 1_000) * MUTATIONS_PER_SECOND) + 1);
        for (; sent < due; sent += 1) this.#push();
        if (sent < MUTATIONS) setTimeout(sendDue, 1_000 / MUTATIONS_PER_SECOND / 4);
      };
      sendDue();
    });
  }

  #push(): void {
    this.#mutationId += 1;
    this.#readers[0]?.push([{ mutationId: this.#mutationId, name: 'add', args: itemAt(this.#mutationId) }]);
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.raw.terminate();
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
