import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['@alcove/source', 'module', 'browser', 'development|production'] },
  worker: { format: 'es' },
  // Found at the first start only when the worker runs, which would load the page again.
  optimizeDeps: { include: ['@alcove/client > sql.js'] },
});
