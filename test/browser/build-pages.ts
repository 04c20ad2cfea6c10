import { basename, join } from 'node:path';
import { build, type Plugin, type PluginOption } from 'vite';

export interface PagesToBuild {
  /** Folder that modules are found from. */
  readonly root: string;
  /** A page's name, as which it is served, and the module that it loads. */
  readonly pages: Readonly<Record<string, string>>;
  readonly outDir: string;
  readonly plugins?: readonly PluginOption[];
}

/** Builds pages as an app's are built, for production, from the packages' sources. A page is an empty one (`#root`) that loads its module. */
export async function buildPages({ root, pages, outDir, plugins = [] }: PagesToBuild): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: [emptyPages(pages), ...plugins],
    resolve: { conditions: ['@alcove/source', 'module', 'browser', 'development|production'] },
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      rollupOptions: { input: Object.keys(pages).map((name) => join(root, `${name}.html`)) },
    },
  });
}

/** There are no files of HTML: all would be the same. */
function emptyPages(pages: Readonly<Record<string, string>>): Plugin {
  const moduleOf = (id: string): string | undefined => (id.endsWith('.html') ? pages[basename(id, '.html')] : undefined);
  return {
    name: 'empty-pages',
    enforce: 'pre',
    resolveId: (id) => (moduleOf(id) === undefined ? null : id),
    load: (id) => {
      const module = moduleOf(id);
      return module === undefined ? null : htmlOf(basename(id, '.html'), module);
    },
  };
}

const htmlOf = (title: string, module: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${title}</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <div id="root"></div>
    <script type="module" src="${module}"></script>
  </body>
</html>
`;
