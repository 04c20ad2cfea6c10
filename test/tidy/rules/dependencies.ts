import { builtinModules } from 'node:module';
import { importsOf, missingEntries } from '../import-graph.ts';
import { type Finding, isShipped, type Rule, type SourceTree, type TreeFile } from '../source-tree.ts';

const REASONS = 'docs/decisions/0002-dependencies.md';

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

export const declaredDependencies: Rule = {
  name: 'dependencies are declared, pinned and have a reason',
  find: (tree) => [
    ...packageFiles(tree).flatMap((file) => [...pins(tree, file), ...reasons(tree, file)]),
    ...catalogPins(tree),
    ...undeclared(tree),
  ],
};

export const usedDependencies: Rule = {
  name: 'declared dependencies are used',
  notYet: (tree) => {
    const missing = missingEntries(tree);
    return missing.length === 0 ? null : `entries that are not written yet: ${missing.join(', ')}`;
  },
  find: (tree) => packageFiles(tree).flatMap((file) => unused(tree, file)),
};

const packageFiles = (tree: SourceTree): TreeFile[] => tree.files.filter(({ path }) => /(^|\/)package\.json$/.test(path));

/** Of the packages that the workspace itself does not make. */
function outside(dependencies: Readonly<Record<string, string>> = {}): [name: string, range: string][] {
  return Object.entries(dependencies).filter(([name]) => !name.startsWith('@alcove/'));
}

function pins(tree: SourceTree, file: TreeFile): Finding[] {
  const { dependencies, optionalDependencies, devDependencies } = tree.json<PackageJson>(file.path) ?? {};
  return [dependencies, optionalDependencies, devDependencies].flatMap((group) =>
    Object.entries(group ?? {})
      .filter(([name, range]) => range !== (name.startsWith('@alcove/') ? 'workspace:*' : 'catalog:'))
      .map(([name, range]) =>
        file.finding(1, `${name}: ${range} — write catalog: and pin it in pnpm-workspace.yaml (workspace:* for our own)`),
      ),
  );
}

function catalogPins(tree: SourceTree): Finding[] {
  const file = tree.get('pnpm-workspace.yaml');
  if (file === undefined) return [];
  const from = file.lines.indexOf('catalog:');
  const to = file.lines.findIndex((line, index) => index > from && /^\S/.test(line) && !line.startsWith('#'));
  return file.lines.slice(from + 1, to).flatMap((line, index) => {
    const range = /^ {2}\S+: ([^#]+)/.exec(line)?.[1]?.trim();
    if (range === undefined || /^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range)) return [];
    return [file.finding(from + index + 2, `${line.trim()} is no exact pin`)];
  });
}

function reasons(tree: SourceTree, file: TreeFile): Finding[] {
  const known = tree.get(REASONS)?.text ?? '';
  const { dependencies, optionalDependencies, devDependencies, peerDependencies } = tree.json<PackageJson>(file.path) ?? {};
  return [dependencies, optionalDependencies, devDependencies, peerDependencies]
    .flatMap(outside)
    .filter(([name]) => !known.includes(`\n| \`${name}\` |`))
    .map(([name]) => file.finding(1, `${name} has no line of reason in ${REASONS}`));
}

/** A shipped import that the package's own package.json does not name works here by luck and nowhere else. */
function undeclared(tree: SourceTree): Finding[] {
  return tree.code(isShipped).flatMap((file) => {
    const own = tree.json<PackageJson>(`${file.path.split('/').slice(0, 2).join('/')}/package.json`) ?? {};
    const declared = { ...own.dependencies, ...own.optionalDependencies, ...own.peerDependencies };
    return importsOf(file).flatMap(({ specifier, line }) => {
      const name = packageOf(specifier);
      return name === null || Object.hasOwn(declared, name) ? [] : [file.finding(line, `${name} is not a dependency of this package`)];
    });
  });
}

function unused(tree: SourceTree, file: TreeFile): Finding[] {
  const folder = file.path.replace(/package\.json$/, '');
  if (folder === '') return []; // The root's are tools and the engines that tests of every package share.
  const { dependencies, optionalDependencies, devDependencies, scripts } = tree.json<PackageJson>(file.path) ?? {};
  const code = tree.code((path) => path.startsWith(folder));
  const used = new Set(code.flatMap(importsOf).flatMap(({ specifier }) => packageOf(specifier) ?? []));
  // JSX compiles to calls of React's runtime; scripts name commands.
  if (code.some(({ path }) => path.endsWith('.tsx'))) used.add('react');
  for (const word of Object.values(scripts ?? {}).flatMap((script) => script.split(/\s+/))) used.add(word);
  return Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })
    .filter((name) => !name.startsWith('@types/') && !used.has(name))
    .map((name) => file.finding(1, `${name} is used nowhere under ${folder}: remove it`));
}

/** `drizzle-orm` of `drizzle-orm/sqlite-core`; null for relative paths and Node's modules. */
function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('/') || /^(node|cloudflare|virtual|data|https?):/.test(specifier)) return null;
  const depth = specifier.startsWith('@') ? 2 : 1;
  const name = specifier.split('/').slice(0, depth).join('/');
  return builtinModules.includes(name) ? null : name;
}
