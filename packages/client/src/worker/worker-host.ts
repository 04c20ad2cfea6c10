import { AlcoveError } from '@alcove/core/error';
import type { ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { type Remote, releaseProxy, transfer, wrap } from 'comlink';
import type { EngineBlame, EngineHandlers, EngineHost, EngineOrder, EnginePort, OpenRequest } from './engine-port.ts';
import { refusedBy } from './perform-order.ts';
import { Watchdog } from './watchdog.ts';
import { isRunMark } from './worker-api.ts';
import type { AnnouncedRun, Answer, EngineReport, TokenAnswer, WorkerApi } from './worker-api.ts';

/** Deaths within the window after which a worker is not started again: it would only die again. */
const DEATHS_MAX = 3;
const DEATHS_WINDOW_MS = 60_000;
/** Deaths within the window from which on rooms are opened frugally: the likeliest reason that tells nothing of itself is memory. */
const FRUGAL_DEATHS = 2;

export interface WorkerHostOptions {
  readonly runtime: Runtime;
  readonly worker: () => Worker;
  /** How long the worker's thread may be held before it is ended. */
  readonly budgetMs: number;
}

interface OpenPort {
  readonly handlers: EngineHandlers;
  readonly reports: MessagePort;
  /** Rejects every call that waits for the dead worker: comlink never settles them. */
  readonly dies: Set<(error: AlcoveError) => void>;
}

/**
 * Engines in one worker. Owns what comlink leaves open: error codes are carried in answers, calls of a dead worker are rejected, ports are closed, a stuck or
 * crashed worker is ended and a new one started at the next `open`.
 */
export class WorkerHost implements EngineHost {
  readonly #options: WorkerHostOptions;
  #running: RunningWorker | null = null;
  #lastHandle = 0;
  readonly #deathsMs: number[] = [];
  /** After a death that no announced statement explains every statement is announced. */
  #markAll = false;
  /** For good: whoever ran out of memory would again. */
  #isFrugal = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
  }

  open(request: OpenRequest, handlers: EngineHandlers): EnginePort {
    this.#running ??= this.#start();
    return this.#running.open(++this.#lastHandle, { ...request, isFrugal: this.#isFrugal }, handlers);
  }

  close(): void {
    this.#running?.end();
    this.#running = null;
  }

  #start(): RunningWorker {
    const running = new RunningWorker(this.#options, (explained) => {
      this.#running = null;
      if (!explained) this.#markAll = true;
      return this.#tooManyDeaths(explained);
    });
    if (this.#markAll) running.markAll();
    return running;
  }

  /** What is not run again does not count against the worker; what was found out and cannot be taken off does. */
  #tooManyDeaths(explained: boolean): boolean {
    if (explained) return false;
    const nowMs = this.#options.runtime.monotonicMs();
    this.#deathsMs.push(nowMs);
    while (this.#deathsMs.length > 0 && nowMs - (this.#deathsMs[0] ?? nowMs) > DEATHS_WINDOW_MS) this.#deathsMs.shift();
    this.#isFrugal ||= this.#deathsMs.length >= FRUGAL_DEATHS;
    return this.#deathsMs.length > DEATHS_MAX;
  }
}

class RunningWorker {
  readonly #worker: Worker;
  readonly #api: Remote<WorkerApi>;
  /** From the worker's first answer on: how long its script takes to arrive is the network's business. */
  #watchdog: Watchdog | null = null;
  readonly #ports = new Map<number, OpenPort>();
  /** Told whether the death is explained; answers whether it is the last one. */
  readonly #onDeath: (explained: boolean) => boolean;
  #announced: AnnouncedRun | null = null;
  #ended = false;

  constructor({ runtime, worker, budgetMs }: WorkerHostOptions, onDeath: (explained: boolean) => boolean) {
    this.#onDeath = onDeath;
    this.#worker = worker();
    this.#api = wrap<WorkerApi>(this.#worker);
    this.#worker.addEventListener('message', ({ data: message }: MessageEvent<unknown>) => {
      if (!isRunMark(message)) return;
      this.#announced = message.alcoveRun;
      if (message.alcoveRun !== null) this.#watchdog?.busy();
    });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#die({ code: 'worker_failed', message: `the worker failed: ${event.message || 'its script could not be loaded'}` });
    });
    void this.#api.ping().then(() => this.#watch(runtime, budgetMs));
    this.#worker.addEventListener('messageerror', () =>
      this.#die({ code: 'worker_failed', message: 'a message of the worker could not be read' }),
    );
  }

  markAll(): void {
    void this.#api.markAll();
  }

  #watch(runtime: Runtime, budgetMs: number): void {
    if (this.#ended) return;
    this.#watchdog = new Watchdog(runtime, budgetMs, {
      ping: () => this.#api.ping(),
      onStuck: () => this.#die({ code: 'worker_deadline', message: `the worker did not answer for ${budgetMs} ms and was ended` }),
    });
    this.#watchdog.busy();
  }

  open(handle: number, request: OpenRequest, handlers: EngineHandlers): EnginePort {
    const { port1: reports, port2: theirs } = new MessageChannel();
    const port: OpenPort = { handlers, reports, dies: new Set() };
    this.#ports.set(handle, port);
    reports.onmessage = ({ data: report }: MessageEvent<EngineReport>) => this.#hear(handle, port, report);
    this.#watchdog?.busy();
    void this.#api.open(handle, request, transfer(theirs, [theirs]));
    return {
      mutate: (mutations) => this.#call(port, this.#api.mutate(handle, mutations)),
      runOnce: (query) => this.#call(port, this.#api.runOnce(handle, query)),
      serverRead: (call, read) => this.#call(port, this.#api.serverRead(handle, call, read)),
      tell: (order) => {
        if (this.#ended) return;
        this.#watchdog?.busy();
        this.#api.tell(handle, order).catch((error: unknown) => this.#couldNotTell(port, order, error));
        if (order.type === 'leave' || order.type === 'close') this.#forget(handle, port);
      },
    };
  }

  /** What cannot cross to the worker (a function, say) is no state. Everything else that is told is made here, of plain JSON. */
  #couldNotTell(port: OpenPort, order: EngineOrder, error: unknown): void {
    const refused = refusedBy(order);
    if (this.#ended || refused === null) return;
    const code = refused.what === 'value' ? 'value_invalid' : 'state_invalid';
    port.handlers.onNotices([{ type: 'stateRefused', ...refused, error: AlcoveError.from(error, code).toBody() }]);
  }

  /** Ends the worker; its ports fall silent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watchdog?.end();
    this.#api[releaseProxy]();
    this.#worker.terminate();
    for (const [handle, port] of this.#ports) this.#forget(handle, port);
  }

  async #call<Value>(port: OpenPort, answering: Promise<Answer<Value>>): Promise<Value> {
    this.#watchdog?.busy();
    let die: (error: AlcoveError) => void = () => undefined;
    const death = new Promise<never>((_, reject) => {
      die = reject;
    });
    port.dies.add(die);
    if (this.#ended) die(new AlcoveError('worker_failed', 'the worker has ended'));
    try {
      const answer = await Promise.race([answering, death]);
      if ('error' in answer) throw AlcoveError.fromBody(answer.error);
      return answer.value;
    } finally {
      port.dies.delete(die);
    }
  }

  #hear(handle: number, port: OpenPort, report: EngineReport): void {
    if (!this.#ports.has(handle)) return;
    switch (report.type) {
      case 'notices':
        return port.handlers.onNotices(report.notices);
      case 'tokenWanted':
        void this.#answerToken(port, report.number);
        return;
      case 'broken':
        this.#forget(handle, port);
        return port.handlers.onLost({ error: report.error, final: true });
    }
  }

  async #answerToken(port: OpenPort, number: number): Promise<void> {
    let answer: TokenAnswer;
    try {
      answer = { number, value: await port.handlers.token() };
    } catch (error) {
      answer = { number, error: AlcoveError.from(error, 'unauthenticated').toBody() };
    }
    port.reports.postMessage(answer);
  }

  #die(error: ErrorBody): void {
    if (this.#ended) return;
    const announced = error.code === 'worker_deadline' ? this.#announced : null;
    const ports = [...this.#ports];
    this.end();
    const final = this.#onDeath(announced !== null && isTakenOff(announced, ports, error));
    for (const [, port] of ports) port.handlers.onLost({ error, final });
  }

  #forget(handle: number, port: OpenPort): void {
    this.#ports.delete(handle);
    // What a closing room still says (nothing) is not waited for; what waits on it ends.
    port.reports.close();
    for (const die of port.dies) die(new AlcoveError('worker_failed', 'the worker ended before it answered'));
  }
}

/** Whether what held the thread will not be run again. */
function isTakenOff(announced: AnnouncedRun, ports: readonly (readonly [handle: number, port: OpenPort])[], error: ErrorBody): boolean {
  const blame = blameOf(announced);
  if (blame === null) return false;
  const port = ports.find(([handle]) => handle === announced.handle)?.[1];
  // A room that was closed meanwhile took it along.
  return port === undefined || port.handlers.condemn(blame, error);
}

function blameOf({ mutation, statement }: AnnouncedRun): EngineBlame | null {
  if (mutation !== null) return { type: 'mutation', name: mutation };
  return statement === null ? null : { type: 'query', query: statement };
}
