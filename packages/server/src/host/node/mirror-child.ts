/**
 * A process of its own that copies rooms to PostgreSQL, until its parent goes: neither reading rooms nor waiting for PostgreSQL takes the writer's time. It may be killed at any moment; the next one goes on from the
 * watermarks.
 */
import { constants, getPriority, setPriority } from 'node:os';
import { AlcoveError, assert, exhaustive } from '@alcove/core/error';
import type { Logger } from '@alcove/core/runtime/logger';
import { Mirror } from '../postgres/mirror.ts';
import { DataDir } from './data-dir.ts';
import { endWithParent } from './end-with-parent.ts';
import { MirrorFiles } from './mirror-files.ts';
import type { MirrorOrders, MirrorReply, MirrorRequest } from './mirror-messages.ts';
import { createNodeRuntime } from './node-runtime.ts';

/** So much below the process that serves the rooms, wherever that stands: a commit goes before its copy. */
const MIRROR_NICER_BY = 5;
const FIGURES_MS = 1_000;
/** Of its time, one part in so many at the most is for figures: with ten thousand rooms they take some 20 ms. */
const FIGURES_SHARE = 100;

const reply = (message: MirrorReply): void => {
  // A parent that is gone hears nothing any more; `disconnect` follows.
  process.send?.(message, undefined, undefined, () => undefined);
};

const log: Logger = {
  error: (message, fields = {}) => reply({ kind: 'log', level: 'error', message, fields }),
  info: (message, fields = {}) => reply({ kind: 'log', level: 'info', message, fields }),
  debug: (message, fields = {}) => reply({ kind: 'log', level: 'debug', message, fields }),
};
const runtime = createNodeRuntime({ log });

const asked = new Map<number, { resolve(): void; reject(error: AlcoveError): void }>();
const heldOff = new Map<number, () => void>();
let asks = 0;
let mirror: Mirror | null = null;

const start = ({ dataDir, ...settings }: MirrorOrders): Mirror => {
  const source = new MirrorFiles(new DataDir(dataDir), (room) => {
    asks += 1;
    const request = asks;
    reply({ kind: 'bringUpToDate', request, room: { name: room.name, id: room.id } });
    return new Promise((resolve, reject) => asked.set(request, { resolve, reject }));
  });
  const started = new Mirror(settings, {
    source,
    runtime,
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    ready: (secret) => reply({ kind: 'ready', secret }),
  });
  started.start();
  tellFigures(started);
  return started;
};

const tellFigures = (started: Mirror): void => {
  const startMs = runtime.monotonicMs();
  reply({ kind: 'figures', figures: started.figures });
  const tookMs = runtime.monotonicMs() - startMs;
  runtime.setTimer(Math.max(FIGURES_MS, tookMs * FIGURES_SHARE), () => tellFigures(started));
};

const answer = async (request: number, work: Promise<readonly string[] | void>): Promise<void> => {
  try {
    const differed = (await work) ?? [];
    if (mirror !== null) reply({ kind: 'figures', figures: mirror.figures });
    reply({ kind: 'done', request, differed });
  } catch (error) {
    reply({ kind: 'failed', request, error: AlcoveError.from(error).toBody() });
  }
};

function take(message: MirrorRequest): void {
  if (message.kind === 'start') {
    mirror = start(message.orders);
    return;
  }
  assert(mirror !== null, 'a mirror process is told to start first');
  switch (message.kind) {
    case 'moved':
      mirror.moved(message.rooms);
      return reply({ kind: 'taken' });
    case 'holdOff':
      heldOff.set(message.request, mirror.holdOff(message.room));
      return reply({ kind: 'done', request: message.request, differed: [] });
    case 'letGo':
      heldOff.get(message.request)?.();
      heldOff.delete(message.request);
      return;
    case 'resync':
      return void answer(message.request, mirror.resync(message.room));
    case 'check':
      return void answer(message.request, mirror.check(message.room));
    case 'drain':
      return void answer(message.request, mirror.idle());
    case 'upToDate':
      if (message.error === null) asked.get(message.request)?.resolve();
      else asked.get(message.request)?.reject(AlcoveError.fromBody(message.error));
      asked.delete(message.request);
      return;
    default:
      return exhaustive(message);
  }
}

try {
  setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + MIRROR_NICER_BY));
} catch {
  // not allowed here: it runs at the ordinary priority
}
endWithParent();
process.on('message', take);
