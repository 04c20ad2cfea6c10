import { posix } from 'node:path';
import ts from 'typescript';
import { BANNED_ENDINGS, BANNED_NAMES, BANNED_WORDS } from '../bans.ts';
import { type Finding, type Rule, type TreeFile } from '../source-tree.ts';

export const names: Rule = {
  name: 'names use the words of the glossary',
  find: (tree) => [
    ...tree.code((path) => /^(packages|test|examples|scripts)\//.test(path)).flatMap(pathNames),
    ...tree.code((path) => /^(packages|test)\//.test(path)).flatMap(exportedNames),
  ],
};

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;

function pathNames(file: TreeFile): Finding[] {
  return file.path.split('/').flatMap((part) => {
    const bare = part.replace(/\..*$/, '');
    const isFile = part === posix.basename(file.path);
    // A folder `sync` holds the engine; only a thing called so says nothing.
    const wrong = bannedIn(isFile ? bare : `${bare}-`);
    if (wrong !== null) return [file.finding(1, `file name '${part}': ${wrong}`)];
    return !isFile || KEBAB.test(bare) ? [] : [file.finding(1, `file name '${part}' is not kebab-case`)];
  });
}

function exportedNames(file: TreeFile): Finding[] {
  return exportsOf(file).flatMap((name) => {
    const wrong = bannedIn(name.text);
    return wrong === null ? [] : [file.finding(name, `'${name.text}': ${wrong}`)];
  });
}

function exportsOf(file: TreeFile): ts.Identifier[] {
  return file.ast.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement) && statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)) {
      return statement.exportClause.elements.flatMap(({ name }) => (ts.isIdentifier(name) ? [name] : []));
    }
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name] : []));
    }
    return 'name' in statement && statement.name !== undefined && ts.isIdentifier(statement.name as ts.Node)
      ? [statement.name as ts.Identifier]
      : [];
  });
}

/** What to say instead, or null for a name that is fine. */
function bannedIn(name: string): string | null {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
  for (const word of words) if (Object.hasOwn(BANNED_WORDS, word)) return `not '${word}': ${BANNED_WORDS[word]}`;
  const last = words.at(-1) ?? '';
  if (Object.hasOwn(BANNED_ENDINGS, last)) return `not '${last}': ${BANNED_ENDINGS[last]}`;
  return Object.hasOwn(BANNED_NAMES, name) ? `not '${name}': ${BANNED_NAMES[name]}` : null;
}
