// One session that pushes far more than it may, whatever it is told. Arguments: url of a server, a token, mutations a second, one of which bumps a row.
import { randomUUID } from 'node:crypto';
import { itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import { answerParent } from './child.ts';

/** What the SDK's client puts into one push at most. */
const PUSH_MUTATIONS = 100;
const TICK_MS = 5;
/** Past it the server has stopped reading, and what is sent would only fill this process. */
const BUFFERED_BYTES_MAX = 1_000_000;

const [url = '', token = '', rate = ''] = process.argv.slice(2);
const clientId = `flood-${randomUUID()}`;
const call = `,"name":"bump","args":${JSON.stringify({ id: itemAt(0).id })}}`;

const flood = await BoardSocket.join(url, 'team', clientId, [], { token });
flood.ignoresCommits = true;
let pushes = 0;
let said = false;
const stop = async (): Promise<void> => {
  clearInterval(timer);
  flood.raw.terminate();
};
flood.raw.once('close', () => clearInterval(timer));
flood.onMessage = (message) => {
  if (message.type === 'error') throw new TypeError(`${message.code}: ${message.message}`);
  // What may come at once is over: from now on it gets its rate.
  if (message.type === 'refused' && !said) answerParent(url, stop);
  said ||= message.type === 'refused';
};

const startMs = performance.now();
let offered = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - startMs) / 1_000) * Number(rate);
  for (; offered < due; offered += PUSH_MUTATIONS) {
    if (flood.raw.bufferedAmount < BUFFERED_BYTES_MAX) flood.raw.send(pushFrame());
  }
}, TICK_MS);

/** For another client each time, whose mutations begin at 1: none is refused for coming out of order, so all that the limits let through is work for the room. */
function pushFrame(): string {
  pushes += 1;
  const mutations: string[] = [];
  for (let id = 1; id <= PUSH_MUTATIONS; id += 1) mutations.push(`{"clientId":"${clientId}-${pushes}","mutationId":${id}${call}`);
  return `{"type":"push","mutations":[${mutations.join(',')}]}`;
}
