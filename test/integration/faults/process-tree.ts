import { readdirSync, readFileSync } from 'node:fs';

/** Whether this system tells who started which process. */
export const tellsProcesses = process.platform === 'linux';

/** Reader processes of the server in a process. */
export function readerPids(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && parentOf(pid) === parent && textOf(pid, 'cmdline').includes('reader-child'));
}

/** Resident memory, in bytes; 0 where it is gone. */
export const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(textOf(pid, 'status'))?.[1] ?? 0) * 1024;

function parentOf(pid: number): number {
  const stat = textOf(pid, 'stat');
  // The name is in brackets and may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
