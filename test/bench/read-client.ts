// Users who read a board, each the next as soon as one is answered. Arguments: ReadClientOptions as JSON.
import { BoardSocket } from './board-socket.ts';
import { answerParent } from './child.ts';
import { READ_KINDS, type ReadKind } from './read-kinds.ts';

export interface ReadClientOptions {
  readonly url: string;
  readonly room: string;
  readonly kind: ReadKind;
  readonly users: number;
  /** Of each user, at once. */
  readonly inFlight: number;
}

const { url, room, kind, users, inFlight } = JSON.parse(process.argv[2] ?? '{}') as ReadClientOptions; // a bench wrote it
const { sql, paramOf } = READ_KINDS[kind];

let asked = 0;
let answered = 0;
let isPaused = false;
/** What goes on when the pause is over. */
const paused: (() => void)[] = [];

async function readOn(user: number): Promise<BoardSocket> {
  const socket = await BoardSocket.join(url, room, `reader-${user}`, [], { token: JSON.stringify({ sub: `reader-${user}` }) });
  socket.ignoresCommits = true;
  const ask = (): void => {
    asked += 1;
    socket.send({ type: 'read', request: asked, sql, params: [paramOf(asked * 7_919)] });
  };
  socket.onMessage = (message) => {
    if (message.type === 'readFailed' || message.type === 'error') throw new TypeError(`${message.code}: ${message.message}`);
    if (message.type !== 'readRows') return;
    answered += 1;
    if (isPaused) paused.push(ask);
    else ask();
  };
  for (let count = 0; count < inFlight; count += 1) ask();
  return socket;
}

const sockets = await Promise.all(Array.from({ length: users }, (_, user) => readOn(user)));
const stop = async (): Promise<void> => {
  for (const socket of sockets) socket.raw.terminate();
};
const turn = (): void => {
  isPaused = !isPaused;
  if (!isPaused) for (const ask of paused.splice(0)) ask();
};
answerParent(url, stop, { counted: () => answered, turn });
