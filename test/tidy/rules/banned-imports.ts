import { posix } from 'node:path';
import ts from 'typescript';
import { BANNED_IMPORTS } from '../bans.ts';
import { type Import, importsOf } from '../import-graph.ts';
import { type Finding, isShipped, isTestCode, type Rule, type TreeFile } from '../source-tree.ts';

export const bannedImports: Rule = {
  name: 'modules are imported where they belong, relative ones with their extension, none through a barrel',
  find: (tree) =>
    tree
      .code()
      .flatMap((file) => [
        ...extensions(file),
        ...(isShipped(file.path) ? [...placed(file), ...barrels(file)] : []),
        ...(isTestCode(file.path) ? [...oneDriver(file), ...oneSeed(file)] : []),
      ]),
};

function placed(file: TreeFile): Finding[] {
  return importsOf(file).flatMap(({ specifier, line }) =>
    BANNED_IMPORTS.filter((ban) => ban.specifier.test(specifier) && !ban.allowed(file.path)).map(({ instead }) =>
      file.finding(line, `${specifier} is banned here: ${instead}`),
    ),
  );
}

/** better-sqlite3 does not load everywhere; what needs it alone are its own tests, the suites that run on every driver, and benches. */
function oneDriver(file: TreeFile): Finding[] {
  if (/^test\/(contract|bench)\/|\/better-sqlite3-database\.test\.ts$/.test(file.path)) return [];
  return importsOf(file)
    .filter(({ specifier, kind }) => kind !== 'type' && /(^better-sqlite3$|\/better-sqlite3-database\.ts$)/.test(specifier))
    .map(({ line }) => file.finding(line, 'a test that needs some database takes openDatabase: better-sqlite3 does not load everywhere'));
}

/** A test that draws something else each time fails a change that it has nothing to do with. */
function oneSeed(file: TreeFile): Finding[] {
  if (file.path === 'test/fake/properties.ts') return [];
  return importsOf(file)
    .filter(({ specifier, kind }) => kind !== 'type' && specifier === 'fast-check')
    .map(({ line }) => file.finding(line, 'fast-check comes from test/fake/properties.ts, which draws the same each time'));
}

function extensions(file: TreeFile): Finding[] {
  // In JavaScript `new URL('./folder/', …)` names a place, not a module.
  const isModule = ({ specifier, kind }: Import): boolean => /^\.\.?\//.test(specifier) && kind !== 'url';
  return importsOf(file)
    .filter((found) => isModule(found) && posix.extname(found.specifier.replace(/\?.*$/, '')) === '')
    .map(({ specifier, line }) => file.finding(line, `'${specifier}' needs its file extension: .ts, .tsx …`));
}

/** Only a package's own index gathers exports; elsewhere an import names the file that has what it wants. */
function barrels(file: TreeFile): Finding[] {
  const isEntry = /^packages\/[^/]+\/src\/(index\.ts|host\/[^/]+\/index\.ts|node\/index\.ts|worker\/worker\.ts)$/.test(file.path);
  if (isEntry) return [];
  if (posix.basename(file.path) === 'index.ts') return [file.finding(1, 'index.ts inside a package: name the file after its main export')];
  return file.ast.statements
    .filter((node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && node.exportClause === undefined)
    .map((node) => file.finding(node, 'export * is a barrel: import from the file that has the name'));
}
