import { posix } from 'node:path';
import ts from 'typescript';
import { type SourceTree, type TreeFile, walk } from './source-tree.ts';

/** One reference from a file to a module. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `url` is `new URL('./x.ts', import.meta.url)`: how workers and child processes name their file. */
  readonly kind: 'static' | 'type' | 'dynamic' | 're-export' | 'url';
}

/** Every module that `file` names, type imports and `import('…')` types included. */
export function importsOf(file: TreeFile): Import[] {
  const found: Import[] = [];
  const add = (kind: Import['kind'], literal: ts.Node | undefined): void => {
    if (literal !== undefined && ts.isStringLiteralLike(literal)) found.push({ specifier: literal.text, line: file.lineOf(literal), kind });
  };
  walk(file.ast, (node) => {
    if (ts.isImportDeclaration(node)) add(isTypeOnly(node) ? 'type' : 'static', node.moduleSpecifier);
    if (ts.isExportDeclaration(node)) add('re-export', node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add('type', node.argument.literal);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add('dynamic', node.arguments[0]);
    if (ts.isCallExpression(node) && ['require.resolve', 'import.meta.resolve'].includes(node.expression.getText()))
      add('dynamic', node.arguments[0]);
    // A condition may choose between a source and its built twin.
    if (isUrlOfModule(node) && node.arguments?.[0] !== undefined) walk(node.arguments[0], (part) => add('url', part));
  });
  return found;
}

function isTypeOnly(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined && named !== undefined && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly)
  );
}

function isUrlOfModule(node: ts.Node): node is ts.NewExpression {
  return ts.isNewExpression(node) && node.expression.getText() === 'URL' && node.arguments?.[1]?.getText() === 'import.meta.url';
}

interface PackageJson {
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}

/** The path of a file in the tree that an import reaches, or null where it leaves the tree (an npm package, a Node module) or names nothing. */
export function resolveImport(tree: SourceTree, from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier.replace(/\?.*$/, ''));
    const candidates = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx')];
    return candidates.find((candidate) => tree.get(candidate) !== undefined) ?? null;
  }
  const inWorkspace = /^@alcove\/([^/]+)(?:\/(.+))?$/.exec(specifier);
  if (inWorkspace === null) return null;
  const [, name, rest] = inWorkspace;
  const folder = `packages/${name}`;
  const source = sourceOfExport(tree.json<PackageJson>(`${folder}/package.json`)?.exports ?? {}, rest === undefined ? '.' : `./${rest}`);
  if (source === null) return null;
  const path = posix.join(folder, source);
  return tree.get(path) === undefined ? null : path;
}

function sourceOfExport(exports: NonNullable<PackageJson['exports']>, subpath: string): string | null {
  for (const [pattern, target] of Object.entries(exports)) {
    const source = typeof target === 'string' ? target : target['@alcove/source'];
    if (source === undefined) continue;
    if (pattern === subpath) return source;
    const [before, after] = pattern.split('*');
    if (before === undefined || after === undefined || !subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    return source.replace('*', subpath.slice(before.length, subpath.length - after.length));
  }
  return null;
}

/** The source files that a package promises to whoever installs it; patterns with a star promise nothing by themselves. */
export function entriesOf(tree: SourceTree, packageName: string): string[] {
  const exports = tree.json<PackageJson>(`packages/${packageName}/package.json`)?.exports ?? {};
  return Object.keys(exports)
    .filter((subpath) => !subpath.includes('*'))
    .flatMap((subpath) => sourceOfExport(exports, subpath) ?? [])
    .map((source) => posix.join('packages', packageName, source));
}

/** Entries named in a package.json whose file is not there. */
export function missingEntries(tree: SourceTree): string[] {
  return ['core', 'client', 'server', 'react'].flatMap((name) => entriesOf(tree, name)).filter((path) => tree.get(path) === undefined);
}

/** path → paths it imports, for the code that `wanted` selects. */
export function importGraph(tree: SourceTree, wanted: (path: string) => boolean = () => true): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const file of tree.code(wanted)) {
    graph.set(
      file.path,
      importsOf(file).flatMap(({ specifier }) => resolveImport(tree, file.path, specifier) ?? []),
    );
  }
  return graph;
}
