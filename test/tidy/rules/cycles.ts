import { importGraph } from '../import-graph.ts';
import { type Finding, isShipped, type Rule, type SourceTree } from '../source-tree.ts';

export const cycles: Rule = {
  name: 'no imports in a circle, type imports included',
  find: (tree) =>
    circlesOf(importGraph(tree, (path) => isShipped(path) || path.startsWith('test/'))).map((circle) => describe(tree, circle)),
};

function describe(tree: SourceTree, circle: readonly string[]): Finding {
  const path = circle[0] ?? '';
  return (
    tree.get(path)?.finding(1, `imports itself through ${[...circle.slice(1), path].join(' → ')}`) ?? { path, line: 1, message: 'circle' }
  );
}

/** One shortest circle for each group of files that reach each other. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const told = new Set<string>();
  const circles: string[][] = [];
  for (const start of graph.keys()) {
    if (told.has(start)) continue;
    const circle = shortestWayBack(graph, start);
    if (circle === null) continue;
    for (const path of circle) told.add(path);
    circles.push(circle);
  }
  return circles;
}

function shortestWayBack(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const next of graph.get(at) ?? []) {
      if (next === start) return pathTo(cameFrom, start, at);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return null;
}

function pathTo(cameFrom: ReadonlyMap<string, string>, start: string, end: string): string[] {
  const path = [end];
  for (let at = end; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    path.unshift(at);
  }
  return path;
}
