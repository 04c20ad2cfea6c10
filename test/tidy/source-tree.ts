import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** One thing that a rule found. `message` says what to do instead. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A rule of the house: pure, so that its own test can hand it a bad sample. */
export interface Rule {
  /** Reads as a sentence: `imports point to a lower level`. */
  readonly name: string;
  find(tree: SourceTree): Finding[];
  /** Why the rule cannot judge the tree yet; the test is then skipped under this reason. */
  notYet?(tree: SourceTree): string | null;
}

/** Generated, fetched or binary: nobody's text. */
const IGNORED_FOLDERS = new Set(['.git', 'node_modules', 'dist', '.cache', 'data', 'coverage', 'test-results', 'playwright-report']);
const TEXT_FILE = /\.(ts|tsx|mjs|cjs|js|json|md|yaml|yml|html|css|sql|txt|svg)$|\/(run|LICENSE|\.gitignore|\.npmrc)$/;
const CODE_FILE = /\.(ts|tsx|mjs|cjs)$/;

export class TreeFile {
  readonly path: string;
  readonly text: string;
  #ast: ts.SourceFile | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  get isCode(): boolean {
    return CODE_FILE.test(this.path);
  }

  get lines(): string[] {
    return this.text.split('\n');
  }

  /** Parsed without types, which keeps the whole of tidy under a few seconds. */
  get ast(): ts.SourceFile {
    this.#ast ??= ts.createSourceFile(this.path, this.text, ts.ScriptTarget.ES2023, true);
    return this.#ast;
  }

  lineOf(node: ts.Node): number {
    return this.ast.getLineAndCharacterOfPosition(node.getStart(this.ast)).line + 1;
  }

  finding(at: ts.Node | number, message: string): Finding {
    return { path: this.path, line: typeof at === 'number' ? at : this.lineOf(at), message };
  }
}

export class SourceTree {
  readonly files: readonly TreeFile[];
  readonly #byPath: ReadonlyMap<string, TreeFile>;

  /** @param texts path relative to the root → text */
  constructor(texts: Readonly<Record<string, string>>) {
    this.files = Object.entries(texts).map(([path, text]) => new TreeFile(path, text));
    this.#byPath = new Map(this.files.map((file) => [file.path, file]));
  }

  get(path: string): TreeFile | undefined {
    return this.#byPath.get(path);
  }

  /** Code whose path matches. */
  code(wanted: (path: string) => boolean = () => true): TreeFile[] {
    return this.files.filter((file) => file.isCode && wanted(file.path));
  }

  /** The parsed JSON of a file. Only for files whose shape the caller knows, such as package.json. */
  json<Shape>(path: string): Shape | undefined {
    const file = this.get(path);
    // The caller names the shape; a package.json that does not have it fails the install long before.
    return file === undefined ? undefined : (JSON.parse(file.text) as Shape);
  }
}

/** The checkout as it stands on disk, committed or not. */
export function readSourceTree(): SourceTree {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const texts: Record<string, string> = {};
  const visit = (folder: string): void => {
    for (const entry of readdirSync(`${root}${folder}`, { withFileTypes: true })) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory() && !IGNORED_FOLDERS.has(entry.name)) visit(`${path}/`);
      if (entry.isFile() && TEXT_FILE.test(`/${path}`)) texts[path] = readFileSync(`${root}${path}`, 'utf8');
    }
  };
  visit('');
  return new SourceTree(texts);
}

const TEST_FILE = /\.(test|spec)\.tsx?$/;

/** Code that a package ships: the strictest rules are for it. */
export const isShipped = (path: string): boolean => /^packages\/[^/]+\/src\//.test(path) && !TEST_FILE.test(path);

/** Code that runs in tests only. */
export const isTestCode = (path: string): boolean => path.startsWith('test/') || TEST_FILE.test(path);

/** Test files themselves, as the runners find them. */
export const isTestFile = (path: string): boolean => TEST_FILE.test(path);

/** Calls `visit` for `node` and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
