import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import { type BenchChild, startChild } from './child.ts';
import { startServer } from './start-server.ts';
import { type Bench, type Pair, figureOf, median, quantile, reportOf } from './measure.ts';

const SOCKETS = 500;
const SHARE_OF_SATURATION = 0.6;
const SATURATION_COMMITS = 400;
const MEASURED_MS = 4_000;

/** One side of the comparison: a way to commit something, and sockets that each get it. */
interface Side {
  readonly child: BenchChild;
  send(index: number): void;
  /** Called with the socket's number for every commit it gets. */
  onDelivered: (socket: number) => void;
  close(): void;
}

interface Outcome {
  readonly deliveredPerSecond: number;
  readonly p99Ms: number;
  readonly cpuMsPerCommit: number;
}

/** A commit's way to 500 sockets, at 60 % of the rate at which a bare process with one commit a message saturates. */
export const fanOutBench: Bench = {
  name: 'fan-out',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const bare = await bareSide(join(folder, 'bare', 'floor.sqlite'));
    const room = await roomSide(join(folder, 'rooms'));
    try {
      const saturated = await saturation(bare);
      const rate = saturated * SHARE_OF_SATURATION;
      say(`the bare process saturates at ${saturated.toFixed(0)} commits/s to ${SOCKETS} sockets; measuring at ${rate.toFixed(0)}`);
      const outcomes: { ours: Outcome; floor: Outcome }[] = [];
      for (let run = 0; run <= Math.ceil(runs / 2); run += 1) {
        const oursFirst = run % 2 === 0;
        const first = await atRate(oursFirst ? room : bare, rate);
        const second = await atRate(oursFirst ? bare : room, rate);
        if (run > 0) outcomes.push(oursFirst ? { ours: first, floor: second } : { ours: second, floor: first });
      }
      return figures(outcomes, saturated, rate);
    } finally {
      room.close();
      bare.close();
      await room.child.stop();
      await bare.child.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

function figures(outcomes: readonly { ours: Outcome; floor: Outcome }[], saturated: number, rate: number) {
  const pairs = (of: (outcome: Outcome) => number): Pair[] => outcomes.map(({ ours, floor }) => ({ ours: of(ours), floor: of(floor) }));
  const at = `${SOCKETS} sockets, ${rate.toFixed(0)} commits/s (60 % of ${saturated.toFixed(0)}); floor: bare ws with one better-sqlite3 commit a message`;
  return [
    figureOf(
      { name: 'fan-out', unit: 'ms CPU/commit', what: `server CPU a commit; ${at}` },
      pairs(({ cpuMsPerCommit }) => cpuMsPerCommit),
    ),
    figureOf(
      { name: 'fan-out-p99', unit: 'ms', what: `from sending the mutation to its commit at a socket, p99; ${at}` },
      pairs(({ p99Ms }) => p99Ms),
    ),
    reportOf(
      {
        name: 'fan-out-delivered',
        unit: 'commits/s',
        what: `commits delivered over all sockets; bare: ${median(outcomes.map(({ floor }) => floor.deliveredPerSecond)).toFixed(0)}`,
      },
      outcomes.map(({ ours }) => ours.deliveredPerSecond),
    ),
  ];
}

async function atRate(side: Side, commitsPerSecond: number): Promise<Outcome> {
  const commits = Math.round((commitsPerSecond * MEASURED_MS) / 1_000);
  const sentMs: number[] = [];
  const gotten = Array.from({ length: SOCKETS }, () => 0);
  const latenciesMs: number[] = [];
  let delivered = 0;
  await side.child.cpuMs();
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    side.onDelivered = (socket) => {
      const nth = gotten[socket] ?? 0;
      gotten[socket] = nth + 1;
      latenciesMs.push(performance.now() - (sentMs[nth] ?? 0));
      delivered += 1;
      if (delivered === commits * SOCKETS) resolve();
    };
    const sendDue = (): void => {
      const due = Math.min(commits, Math.floor(((performance.now() - startMs) / 1_000) * commitsPerSecond) + 1);
      while (sentMs.length < due) {
        sentMs.push(performance.now());
        side.send(sentMs.length);
      }
      if (sentMs.length < commits) setTimeout(sendDue, 1);
    };
    sendDue();
  });
  const elapsedMs = performance.now() - startMs;
  const cpuMs = await side.child.cpuMs();
  return { deliveredPerSecond: (delivered / elapsedMs) * 1_000, p99Ms: quantile(latenciesMs, 0.99), cpuMsPerCommit: cpuMs / commits };
}

/** Commits a second when the next ones always wait already. */
async function saturation(side: Side): Promise<number> {
  let sent = 0;
  let delivered = 0;
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    side.onDelivered = () => {
      delivered += 1;
      if (delivered === SATURATION_COMMITS * SOCKETS) resolve();
      else if (delivered % SOCKETS === 0 && sent < SATURATION_COMMITS) side.send((sent += 1));
    };
    for (; sent < 8; sent += 1) side.send(sent + 1);
  });
  return (SATURATION_COMMITS / (performance.now() - startMs)) * 1_000;
}

async function bareSide(path: string): Promise<Side> {
  const child = await startChild('bare-server.ts', path);
  const sockets = await Promise.all(
    Array.from(
      { length: SOCKETS },
      () =>
        new Promise<WebSocket>((resolve, reject) => {
          const socket = new WebSocket(child.url, { perMessageDeflate: false });
          socket.once('open', () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  const side: Side = {
    child,
    // As long as a commit message of ours.
    send: (index) =>
      sockets[0]?.send(
        JSON.stringify({ ...itemAt(index), type: 'commit', from: index - 1, to: index, hash: 'h'.repeat(43), schema: 's'.repeat(64) }),
      ),
    onDelivered: () => undefined,
    close: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
  for (const [index, socket] of sockets.entries()) socket.on('message', () => side.onDelivered(index));
  return side;
}

async function roomSide(dataDir: string): Promise<Side> {
  const child = await startServer({ dataDir });
  const sockets: BoardSocket[] = [];
  for (let index = 0; index < SOCKETS; index += 1) sockets.push(await BoardSocket.join(child.url, 'fan-out', `client-${index}`));
  let mutationId = 0;
  const side: Side = {
    child,
    send: () => {
      mutationId += 1;
      sockets[0]?.push([{ mutationId, name: 'add', args: itemAt(mutationId) }]);
    },
    onDelivered: () => undefined,
    close: () => {
      for (const socket of sockets) socket.raw.terminate();
    },
  };
  for (const [index, socket] of sockets.entries()) {
    socket.onMessage = (message) => {
      if (message.type !== 'commit') return;
      // Mutations that arrived together share a commit: each of them put one row.
      const rows = message.changes[0]?.puts[0]?.length ?? 0;
      for (let row = 0; row < rows; row += 1) side.onDelivered(index);
    };
  }
  return side;
}
