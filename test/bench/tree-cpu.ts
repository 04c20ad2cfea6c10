import { readdirSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1_000_000;

/** CPU time of a process and of those that it started, so far, in ms; of what is alive. Null where the system does not tell. */
export function treeCpuMs(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const parents = parentsOfAll();
  const isOf = (one: number): boolean => one === pid || (one > 1 && isOf(parents.get(one) ?? 0));
  let sumNs = 0;
  for (const one of parents.keys()) if (isOf(one)) sumNs += cpuNsOf(one);
  return sumNs / NS_PER_MS;
}

function parentsOfAll(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? textOf(`/proc/${pid}/stat`) : '';
    // The name of a process is in brackets and may hold anything.
    if (stat !== '') parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  return parents;
}

/** Of all threads that are there: the first field is the time on a CPU. */
function cpuNsOf(pid: number): number {
  let sum = 0;
  for (const thread of threadsOf(pid)) sum += Number(textOf(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  return sum;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty where it is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
