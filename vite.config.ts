import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import mantine from 'postcss-preset-mantine';
import { defineConfig } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` finds the server; the page itself always talks to its own origin. */
const serverAddress = process.env.MILLRACE_DEV_SERVER ?? 'http://127.0.0.1:4100';

/** One tier per project: the suffix of a test file picks its tier (`npm test -- --tier …`). */
const nodeTests = {
  environment: 'node' as const,
  pool: 'forks' as const,
  // isolated-vm refuses to share V8's startup snapshot, so every process that may load it starts without one.
  execArgv: ['--no-node-snapshot'],
};
const slowerTiers = ['**/*.sim.test.ts', '**/*.int.test.ts'];
const never = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  root: process.env.VITEST === undefined ? at('web') : at('.'),
  cacheDir: at('node_modules/.cache/vite'),
  plugins: [react()],
  css: { postcss: { plugins: [mantine()] } },
  build: {
    outDir: at('web/dist'),
    emptyOutDir: true,
    target: 'es2023',
    reportCompressedSize: false,
    // ELK is one file of 1.6 MB that a worker loads on first use; nothing else comes near.
    chunkSizeWarningLimit: 1700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/, priority: 3 },
            { name: 'canvas', test: /node_modules[\\/](@xyflow|d3-[a-z]+)[\\/]/, priority: 2 },
            { name: 'ui', test: /node_modules[\\/](@mantine|@floating-ui)[\\/]/, priority: 2 },
            {
              name: 'code-editor',
              test: /node_modules[\\/](@codemirror|@lezer|codemirror)[\\/]/,
              priority: 1,
            },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/socket.io': { target: serverAddress, ws: true },
      '/api': serverAddress,
      '/ingest': serverAddress,
      '/healthz': serverAddress,
      '/metrics': serverAddress,
    },
  },
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...nodeTests,
          name: 'unit',
          root: at('.'),
          include: ['{shared,server}/src/**/*.test.ts', 'scripts/**/*.test.ts', 'e2e/support/**/*.test.ts'],
          exclude: [...never, ...slowerTiers],
        },
      },
      {
        extends: true,
        test: {
          name: 'web',
          root: at('.'),
          environment: 'jsdom',
          pool: 'forks',
          include: ['web/src/**/*.test.{ts,tsx}'],
          exclude: [...never, ...slowerTiers],
          setupFiles: [at('web/testSetup.ts')],
          css: { modules: { classNameStrategy: 'non-scoped' } },
        },
      },
      {
        test: {
          ...nodeTests,
          name: 'sim',
          root: at('.'),
          include: ['{shared,server}/src/**/*.sim.test.ts'],
          exclude: never,
          testTimeout: 300_000,
        },
      },
      {
        test: {
          ...nodeTests,
          name: 'int',
          root: at('.'),
          include: [
            '{shared,server}/src/**/*.int.test.ts',
            'scripts/**/*.int.test.ts',
            'e2e/**/*.int.test.ts',
          ],
          exclude: never,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
