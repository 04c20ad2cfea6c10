import { setTimeout as pass } from 'node:timers/promises';
import { BoardSocket } from './board-socket.ts';
import { type BenchChild, startChild } from './child.ts';
import type { ReadClientOptions } from './read-client.ts';

const WARM_READS = 20;
const LOOK_MS = 20;

/** A process of users that read as fast as they are answered, once everything it needs is started and open. */
export async function startReads(options: ReadClientOptions): Promise<BenchChild> {
  const client = await startChild('read-client.ts', JSON.stringify(options));
  for (let reads = 0; reads < WARM_READS; reads += await client.count()) await pass(LOOK_MS);
  return client;
}

/** A board exists once somebody has joined it. */
export async function makeBoard(url: string, room: string): Promise<void> {
  const socket = await BoardSocket.join(url, room, 'maker', [], { token: JSON.stringify({ sub: 'maker' }) });
  await socket.close();
}
