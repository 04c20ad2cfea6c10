import { posix } from 'node:path';
import ts from 'typescript';
import { type Finding, type Rule, type SourceTree, walk } from '../source-tree.ts';

// Folders of one machine that have no place in a checkout. Written so that this file does not contain them.
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=:])/(${['work', 'tmp', 'root', 'home/[a-z]\\w*', 'Users/\\w+'].join('|')})/`);
const REGISTRY = new RegExp(['https?:/', '[^\\s"\']*(registry|npmjs|jfrog|nexus|artifactory)'].join('/'));

export const machineTraces: Rule = {
  name: 'no paths of one machine, no registry addresses',
  find: (tree) =>
    tree.files.flatMap((file) =>
      file.lines.flatMap((line, index) => {
        if (MACHINE_PATH.test(line)) return [file.finding(index + 1, 'a path of one machine: use os.tmpdir() or a relative path')];
        return REGISTRY.test(line) ? [file.finding(index + 1, 'a registry address: leave the registry to npm’s configuration')] : [];
      }),
    ),
};

const DECISION_PARTS = ['Context', 'Options', 'Choice', 'Consequences'];

export const decisions: Rule = {
  name: 'decisions are numbered without gaps and have their four parts',
  find: (tree) => {
    const files = tree.files.filter(({ path }) => path.startsWith('docs/decisions/')).sort((a, b) => (a.path < b.path ? -1 : 1));
    return files.flatMap((file, index) => {
      const number = String(index + 1).padStart(4, '0');
      const found: Finding[] = [];
      if (!new RegExp(`^${number}-[a-z0-9-]+\\.md$`).test(posix.basename(file.path)))
        found.push(file.finding(1, `should be ${number}-title-in-kebab-case.md`));
      if (!file.text.startsWith(`# ${number}. `)) found.push(file.finding(1, `should begin with '# ${number}. '`));
      const missing = DECISION_PARTS.filter((part) => !file.lines.includes(`## ${part}`));
      return missing.length === 0 ? found : [...found, file.finding(1, `lacks ## ${missing.join(', ## ')}`)];
    });
  },
};

export const documentLinks: Rule = {
  name: 'links between documents lead somewhere',
  find: (tree) =>
    tree.files
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap((file) =>
        file.lines.flatMap((line, index) =>
          [...line.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
            .map(([, link = '']) => link)
            .filter((link) => !leadsSomewhere(tree, posix.join(posix.dirname(file.path), link)))
            .map((link) => file.finding(index + 1, `${link} leads nowhere`)),
        ),
      ),
};

function leadsSomewhere(tree: SourceTree, path: string): boolean {
  const isPicture = /\.(png|jpg|webp)$/.test(path); // Not in the tree: it holds text.
  return isPicture || tree.get(path) !== undefined || tree.files.some((file) => file.path.startsWith(`${path.replace(/\/$/, '')}/`));
}

const CODES = 'packages/core/src/error.ts';
const CODES_DOCUMENT = 'docs/ERRORS.md';

/** The code is the source; the table repeats it for readers and adds when each is raised. */
export const errorCodes: Rule = {
  name: 'docs/ERRORS.md has every code as it is',
  find: (tree) => {
    const document = tree.get(CODES_DOCUMENT);
    if (document === undefined) return [{ path: CODES_DOCUMENT, line: 1, message: 'is missing' }];
    const rows = document.lines.flatMap((text, index) => {
      const match = /^\| `(\w+)` \| (yes|no) \| (\d+|–) \| (.*) \|$/.exec(text);
      return match === null
        ? []
        : [{ line: index + 1, code: match[1] ?? '', facts: `${match[2]} ${match[3]}`, when: (match[4] ?? '').trim() }];
    });
    const codes = codesIn(tree);
    const unknown = rows.filter(({ code }) => !codes.has(code)).map(({ line, code }) => document.finding(line, `${code} is no code`));
    const missing = [...codes].flatMap(([code, facts]) => {
      const row = rows.find((candidate) => candidate.code === code);
      if (row === undefined)
        return [document.finding(1, `${code} is missing: | \`${code}\` | ${facts.replace(' ', ' | ')} | when it is raised |`)];
      if (row.facts !== facts) return [document.finding(row.line, `${code} is '${facts}' (retryable, close) in ${CODES}`)];
      return row.when === '' ? [document.finding(row.line, `${code} does not say when it is raised`)] : [];
    });
    return [...unknown, ...missing];
  },
};

/** code → `yes 4400`, read from the object literal ERROR_CODES. */
function codesIn(tree: SourceTree): Map<string, string> {
  const codes = new Map<string, string>();
  const file = tree.get(CODES);
  if (file === undefined) return codes;
  walk(file.ast, (node) => {
    if (!ts.isPropertyAssignment(node) || !ts.isCallExpression(node.initializer) || node.initializer.expression.getText() !== 'entry')
      return;
    const [retryable, , closeCode] = node.initializer.arguments;
    codes.set(node.name.getText(), `${retryable?.getText() === 'true' ? 'yes' : 'no'} ${closeCode?.getText() ?? '–'}`);
  });
  return codes;
}
