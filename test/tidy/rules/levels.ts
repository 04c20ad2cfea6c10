import { importsOf, resolveImport } from '../import-graph.ts';
import { levelOf, PACKAGES_BELOW } from '../levels.ts';
import { type Finding, isShipped, type Rule, type SourceTree, type TreeFile } from '../source-tree.ts';

export const levels: Rule = {
  name: 'imports point to a lower level',
  find: (tree) => tree.code(isShipped).flatMap((file) => findingsIn(tree, file)),
};

function findingsIn(tree: SourceTree, file: TreeFile): Finding[] {
  const own = levelOf(file.path);
  if (own === null) return [file.finding(1, 'has no level: add its folder to test/tidy/levels.ts')];
  return importsOf(file).flatMap(({ specifier, line }) => {
    const target = resolveImport(tree, file.path, specifier);
    if (target === null) return [];
    if (!isShipped(target)) return [file.finding(line, `imports ${target}, which is not shipped`)];
    const crossing = wrongPackage(file.path, target);
    if (crossing !== null) return [file.finding(line, crossing)];
    const other = levelOf(target);
    if (other === null || other.folder === own.folder || other.level < own.level) return [];
    return [file.finding(line, `level ${own.level} imports ${target} of level ${other.level}: move what both need to a lower level`)];
  });
}

function wrongPackage(from: string, to: string): string | null {
  const [source, target] = [from, to].map((path) => path.split('/')[1] ?? '');
  if (source === undefined || target === undefined || source === target) return null;
  return PACKAGES_BELOW[source]?.includes(target) === true ? null : `package ${source} must not import package ${target}`;
}
