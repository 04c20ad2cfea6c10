import { posix } from 'node:path';
import { entriesOf, importGraph, missingEntries } from '../import-graph.ts';
import { isShipped, isTestFile, type Rule, type SourceTree } from '../source-tree.ts';

const PACKAGES = ['core', 'client', 'server', 'react'];

/** Shipped code has to be reached from what applications hold; being reached by its own test does not make it alive. */
export const deadFiles: Rule = {
  name: 'every file is reached from an entry',
  notYet: (tree) => {
    const missing = missingEntries(tree);
    return missing.length === 0 ? null : `entries that are not written yet: ${missing.join(', ')}`;
  },
  find: (tree) => {
    const graph = importGraph(tree);
    const product = reachable(graph, [...PACKAGES.flatMap((name) => entriesOf(tree, name)), ...binariesOf(tree), ...exampleEntries(tree)]);
    const named = withNamedFiles(graph, tree);
    const tests = [...tree.code(isEntryOfTests).map(({ path }) => path), ...pageScripts(tree, 'test/')];
    const anything = reachable(named, [...product, ...tests, ...scriptEntries(tree)]);
    return tree
      .code((path) => /^(packages|examples|test|scripts)\//.test(path))
      .filter(({ path }) => !isTestFile(path) && !(isShipped(path) ? product : anything).has(path))
      .map((file) =>
        file.finding(1, isShipped(file.path) ? 'no entry of a package or example reaches it: delete it' : 'nothing reaches it: delete it'),
      );
  },
};

function reachable(graph: ReadonlyMap<string, readonly string[]>, roots: Iterable<string>): Set<string> {
  const seen = new Set<string>();
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    queue.push(...(graph.get(path) ?? []));
  }
  return seen;
}

/** The graph of imports, and of files that tests and configurations start by their path: a process, a global set-up. */
function withNamedFiles(graph: ReadonlyMap<string, readonly string[]>, tree: SourceTree): Map<string, readonly string[]> {
  const paths = new Set(tree.code(() => true).map(({ path }) => path));
  const edges = new Map(graph);
  for (const { path, text } of tree.code((from) => from.startsWith('test/') || from.endsWith('.config.ts'))) {
    const names = [...text.matchAll(/['"]([\w./-]+\.(?:tsx?|mjs))['"]/g)].map(([, name = '']) => name);
    const files = names.flatMap((name) => [posix.join(posix.dirname(path), name), posix.normalize(name)]).filter((file) => paths.has(file));
    edges.set(path, [...(graph.get(path) ?? []), ...files]);
  }
  return edges;
}

/** Test files, the runners' configurations and the command lines beside them. */
function isEntryOfTests(path: string): boolean {
  return isTestFile(path) || path.endsWith('.config.ts') || /^test\/[^/]+\/cli\.ts$/.test(path);
}

/** Scripts that package.json or another script starts by name. */
function scriptEntries(tree: SourceTree): string[] {
  return ['.', ...PACKAGES.map((name) => `packages/${name}`)].flatMap((folder) => {
    const commands = Object.values(tree.json<{ scripts?: Record<string, string> }>(posix.join(folder, 'package.json'))?.scripts ?? {}).join(
      ' ',
    );
    const scripts = posix.join(folder, 'scripts/');
    return tree.code((path) => path.startsWith(scripts) && commands.includes(posix.relative(folder, path))).map(({ path }) => path);
  });
}

/** Commands of packages, and the built module that a command's own small file loads. */
function binariesOf(tree: SourceTree): string[] {
  return PACKAGES.flatMap((name) => {
    const bin = tree.json<{ bin?: Record<string, string> }>(`packages/${name}/package.json`)?.bin ?? {};
    return Object.values(bin).flatMap((path) => {
      const file = posix.join('packages', name, path);
      const built = [...(tree.get(file)?.text ?? '').matchAll(/['"]\.\.\/(dist\/[\w./-]+)['"]/g)].map(([, module = '']) =>
        posix.join('packages', name, module),
      );
      return [file, ...[file, ...built].map((module) => module.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))];
    });
  });
}

/** What stands at the top of an example's folder, and the modules its pages load. */
function exampleEntries(tree: SourceTree): string[] {
  const top = tree.code((path) => /^examples\/[^/]+\/[^/]+$/.test(path)).map(({ path }) => path);
  return [...top, ...pageScripts(tree, 'examples/')];
}

/** The modules that HTML pages below a folder load. */
function pageScripts(tree: SourceTree, folder: string): string[] {
  const pages = tree.files.filter(({ path }) => path.startsWith(folder) && path.endsWith('.html'));
  return pages.flatMap((page) =>
    [...page.text.matchAll(/<script[^>]+src="\/?([^"]+)"/g)].map(([, src = '']) => posix.join(posix.dirname(page.path), src)),
  );
}
