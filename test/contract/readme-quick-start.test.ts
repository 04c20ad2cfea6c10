import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The example whose files the quick start shows, in any order. */
const FILES = ['room.ts', 'room.worker.ts', 'server.ts', 'app.tsx'];

const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** Text under the heading that is called quick start, up to the next one of its rank or above; null where there is none. */
const quickStartOf = (markdown: string): string | null => {
  const [heading = '', rank = ''] = /^(#{1,6})[^\n]*quick[ -]?start[^\n]*$/im.exec(markdown) ?? [];
  if (heading === '') return null;
  const below = markdown.slice(markdown.indexOf(heading) + heading.length);
  const end = below.search(new RegExp(`^#{1,${rank.length}} `, 'm'));
  return end === -1 ? below : below.slice(0, end);
};

/** Blocks of TypeScript, without a first line that only names the file. */
const samplesIn = (text: string): string[] =>
  [...text.matchAll(/^```tsx?[^\n]*\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code.replace(/^\/\/ [\w./-]+\n\n?/, '').trim());

const differences = (markdown: string, files: readonly string[]): string[] => {
  const section = quickStartOf(markdown);
  const outside = section === null ? markdown : markdown.replace(section, '');
  const strays = samplesIn(outside).filter((code) => /createServer\(|startWorker\(/.test(code));
  const samples = section === null ? [] : samplesIn(section);
  return [
    ...strays.map((code) => `stands outside of the section “Quick start”: ${code.slice(0, 80)}`),
    ...samples.filter((code) => !files.includes(code)).map((code) => `is no file of examples/minimal: ${code.slice(0, 80)}`),
    ...(section === null ? [] : files.filter((file) => !samples.includes(file)).map((file) => `is not shown: ${file.slice(0, 80)}`)),
  ];
};

const files = FILES.map((file) => read(`examples/minimal/${file}`).trim());

it('the quick start of README.md is examples/minimal, word for word', (context) => {
  const readme = read('README.md');
  expect(differences(readme, files)).toEqual([]);
  if (quickStartOf(readme) === null) context.skip('README.md has no quick start yet');
});

describe('what the comparison finds', () => {
  const shown = (codes: readonly string[]) =>
    `# X\n\n## Quick start\n\n${codes.map((code) => `\`\`\`ts\n// a.ts\n${code}\n\`\`\`\n`).join('\n')}\n## More\n`;

  it('is nothing where all files are shown as they are', () => {
    expect(differences(shown(files), files)).toEqual([]);
    expect(differences('# X\n', files)).toEqual([]);
  });

  it('is a file that is left out, changed, or shown elsewhere', () => {
    expect(differences(shown(files.slice(1)), files)).toEqual([expect.stringMatching(/^is not shown/)]);
    expect(differences(shown([...files.slice(1), `${files[0]}\n// and more`]), files)).toHaveLength(2);
    const elsewhere = '# X\n\n```ts\nawait createServer({});\n```\n';
    expect(differences(elsewhere, files)).toEqual([expect.stringMatching(/^stands outside/)]);
  });
});
