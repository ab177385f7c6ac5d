import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: ['scripts/{bootstrap,check,checkImports,tidy,test,bench,dev,writeFlowSchema}.{ts,mjs}'],
      project: ['scripts/**/*.{ts,mjs}', '*.ts'],
      // Started by file, so that it need not be on PATH: scripts/runProcess.ts.
      ignoreDependencies: ['@biomejs/biome'],
      // Only where they exist: scripts/aptInstall.ts.
      ignoreBinaries: ['apt-get', 'apt-cache'],
    },
    shared: {
      entry: ['src/**/*.test.ts'],
      project: ['src/**/*.ts'],
    },
    server: {
      entry: [
        'src/cli/millrace.ts',
        // Forked as a process, or started as a thread, by the path of the file.
        'src/live/runProcess.ts',
        'src/**/*.worker.ts',
        'src/**/*.test.ts',
        'bench/*.bench.ts',
        // Forked by the path of the file.
        'bench/engine/child.ts',
        'bench/traceStream/*.ts',
      ],
      project: ['src/**/*.ts', 'bench/**/*.ts'],
      // A full disk is a small tmpfs, where the tests may mount one.
      ignoreBinaries: ['mount', 'umount'],
    },
    web: {
      entry: ['src/**/*.test.{ts,tsx}'],
      project: ['src/**/*.{ts,tsx}'],
    },
    e2e: {
      entry: ['specs/**/*.spec.ts', 'screens/takeScreens.ts', 'crash/crash.ts', '**/*.test.ts'],
      project: ['**/*.ts'],
      ignoreBinaries: ['mount', 'umount'],
    },
  },
  // A type or a constant that its own file uses may be exported for whoever reads the port.
  ignoreExportsUsedInFile: true,
};

export default config;
