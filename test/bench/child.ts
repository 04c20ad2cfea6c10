import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A process of a bench: it says where it listens, and answers how much CPU it has used since the last question. */
export interface BenchChild {
  readonly url: string;
  readonly pid: number;
  /** CPU time of all its threads since the last call, in ms. */
  cpuMs(): Promise<number>;
  /** Resident memory now, in bytes, after a garbage collection where the process offers one. */
  rssBytes(): Promise<number>;
  /** What the module counts, since the last call. */
  count(): Promise<number>;
  /** Has the module stop what it does of its own, or go on with it. */
  turn(): Promise<void>;
  stop(): Promise<void>;
  /** Ends it as it stands. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Called with what the module says of its own accord. */
  onNews(told: (news: unknown) => void): void;
}

export type ChildQuestion = 'cpu' | 'rss' | 'count' | 'turn' | 'stop';
export interface ChildReady {
  readonly said: string;
}
export interface ChildAnswer {
  readonly answer: number;
}

/** Seen from here, or from the bundle, which lies in test/.cache/bench/node. */
const SOURCES = import.meta.url.endsWith('.ts') ? './' : '../../../bench/';

/** Starts a module of this folder as a process of its own: bundled as this one is, or from its source where it was not bundled. */
export async function startChild(module: `${string}.ts`, ...args: readonly string[]): Promise<BenchChild> {
  const child = forkModule(module, args);
  const next = <Message>(): Promise<Message> => nextMessage(child, module);
  const ask = async (question: ChildQuestion): Promise<number> => {
    const answered = next<ChildAnswer>();
    child.send(question);
    return (await answered).answer;
  };
  const { said: url } = await next<ChildReady>();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url,
    pid: child.pid ?? 0,
    cpuMs: () => ask('cpu'),
    rssBytes: () => ask('rss'),
    count: () => ask('count'),
    turn: async () => void (await ask('turn')),
    async stop() {
      await ask('stop');
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    onNews: (told) => child.on('message', (message) => (isAnswer(message) ? undefined : told(message))),
  };
}

/** Runs a module of this folder that makes something; answers with what it says of it. */
export async function runChild(module: `${string}.ts`, ...args: readonly string[]): Promise<string> {
  const { said } = await nextMessage<ChildReady>(forkModule(module, args), module);
  return said;
}

function nextMessage<Message>(child: ChildProcess, module: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new TypeError(`${module} ended with code ${code}`));
    const came = (message: unknown): void => {
      if (!isAnswer(message)) return;
      child.off('exit', ended).off('message', came);
      resolve(message as Message); // both ends are in this folder
    };
    child.once('exit', ended).on('message', came);
  });
}

const isAnswer = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && ('answer' in message || 'said' in message);

function forkModule(module: string, args: readonly string[]): ChildProcess {
  const bundled = fileURLToPath(new URL(`./${module.replace(/\.ts$/, '.js')}`, import.meta.url));
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  if (existsSync(bundled)) return fork(bundled, [...args], { execArgv: ['--expose-gc'], stdio: [...stdio] });
  const source = fileURLToPath(new URL(`${SOURCES}${module}`, import.meta.url));
  return fork(source, [...args], { execArgv: ['--conditions=@alcove/source', '--import', 'tsx', '--expose-gc'], stdio: [...stdio] });
}

interface ChildActs {
  /** So far. */
  counted?(): number;
  turn?(): void;
}

/** The child's side: says where it listens and answers until it is stopped. */
export function answerParent(url: string, stop: () => Promise<void>, acts: ChildActs = {}): void {
  let last = process.cpuUsage();
  let told = 0;
  const answer = async (question: ChildQuestion): Promise<number> => {
    if (question === 'cpu') {
      const { user, system } = process.cpuUsage(last);
      last = process.cpuUsage();
      return (user + system) / 1_000;
    }
    if (question === 'count') {
      const before = told;
      told = acts.counted?.() ?? 0;
      return told - before;
    }
    if (question === 'turn') {
      acts.turn?.();
      return 0;
    }
    if (question === 'rss') {
      globalThis.gc?.();
      return process.memoryUsage().rss;
    }
    await stop();
    return 0;
  };
  process.on('message', (question: ChildQuestion) => {
    void answer(question).then((value) => {
      process.send?.({ answer: value } satisfies ChildAnswer, () => {
        if (question === 'stop') process.exit(0);
      });
    });
  });
  // A bench that failed leaves nothing running.
  process.once('disconnect', () => process.exit(1));
  process.send?.({ said: url } satisfies ChildReady);
}
