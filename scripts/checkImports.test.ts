import { describe, expect, it } from 'vitest';
import { checkImports, importsOf } from './checkImports.ts';
import { readSourceFiles } from './sourceFiles.ts';

const complaintsAbout = (path: string, text: string): string[] =>
  checkImports([{ path, text }]).map((finding) => finding.message);

describe('import rules', () => {
  it('finds every way in which a file can depend on another', () => {
    const text = [
      `import type { A } from './a.ts';`,
      `import b, { type C } from 'b';`,
      `import './d.css';`,
      `export * from './e.ts';`,
      `export type { F } from './f.ts';`,
      `type G = import('./g.ts').G;`,
      `const h = () => import('./h.ts');`,
      `const i = new Worker(new URL('./i.worker.ts', import.meta.url));`,
      `// import './comment.ts';`,
      "const j = `import './string.ts'`;",
    ].join('\n');
    expect(importsOf({ path: 'x.ts', text }).map((edge) => edge.specifier)).toEqual([
      './a.ts',
      'b',
      './d.css',
      './e.ts',
      './f.ts',
      './g.ts',
      './h.ts',
      './i.worker.ts',
    ]);
  });

  it.each([
    ['server must not import the page', 'server/src/live/a.ts', `import '../../../web/src/ui/b.ts';`],
    ['the page must not import the server', 'web/src/app/a.tsx', `import '../../../server/src/main.ts';`],
    ['not even by package name', 'web/src/app/a.tsx', `import '@millrace/server/main.ts';`],
    ['not even in a test', 'web/src/app/a.test.tsx', `import '../../../server/src/main.ts';`],
    ['shared imports neither', 'shared/src/flow/a.ts', `import '../../../server/src/main.ts';`],
    [
      'the engine knows no broker',
      'server/src/engine/runtime/a.ts',
      `import type { B } from '../../brokers/broker.ts';`,
    ],
    ['the engine core is pure', 'server/src/engine/plan/a.ts', `import { join } from 'node:path';`],
    ['shared is pure', 'shared/src/util/a.ts', `import { join } from 'node:path';`],
    ['shared takes zod only', 'shared/src/flow/a.ts', `import { parse } from 'yaml';`],
    ['the simulator is pure', 'server/src/simulator/a.ts', `import fc from 'fast-check';`],
    ['the isolate is the sandbox’s', 'server/src/live/a.ts', `import ivm from 'isolated-vm';`],
    ['sockets are the gateway’s', 'server/src/live/a.ts', `import { Server } from 'socket.io';`],
    ['sockets are the connection’s', 'web/src/run/a.ts', `import { io } from 'socket.io-client';`],
    ['React Flow is the canvas’s', 'web/src/trace/a.tsx', `import { Handle } from '@xyflow/react';`],
    ['the editor store knows no React', 'web/src/editor/store/a.ts', `import { useState } from 'react';`],
    [
      'primitives know nothing of ours',
      'web/src/ui/a.tsx',
      `import { b } from '@millrace/shared/util/random.ts';`,
    ],
    ['live code knows no gateway', 'server/src/live/a.ts', `import { b } from '../gateway/b.ts';`],
    ['a dynamic import counts', 'server/src/live/a.ts', `const b = () => import('../gateway/b.ts');`],
    ['nor what only run time knows', 'server/src/engine/plan/a.ts', 'const b = (c: string) => import(c);'],
    [
      'a worker counts',
      'web/src/live/a.ts',
      `new Worker(new URL('../../../server/b.worker.ts', import.meta.url));`,
    ],
    ['tests stay out of the product', 'server/src/storage/a.ts', `import { b } from './testing/b.ts';`],
    ['a folder without a rule', 'web/src/somewhere/a.ts', `export const a = 1;`],
  ])('refuses: %s', (_why, path, text) => {
    expect(complaintsAbout(path, text)).toHaveLength(1);
  });

  it.each([
    ['web/src/editor/canvas/a.tsx', `import { Handle } from '@xyflow/react/dist/base.css';`],
    ['server/src/simulator/a.ts', `import { step } from '../engine/runtime/step.ts';`],
    [
      'server/src/simulator/a.sim.test.ts',
      `import { x } from '../gateway/x.ts'; import fc from 'fast-check';`,
    ],
    ['server/src/cli/run.ts', `import { x } from '../main.ts'; import { Command } from 'commander';`],
    ['shared/src/exchange/yaml.ts', `import { parse } from 'yaml';`],
    ['web/src/main.tsx', `import '@xyflow/react/dist/style.css'; import './ui/tokens.css';`],
    ['server/src/live/a.ts', `fork(new URL('./runProcess.ts', import.meta.url));`],
    ['web/src/nodes/topic/a.tsx', `import { z } from '@millrace/shared/flow/document.ts';`],
  ])('accepts what the arrows allow: %s', (path, text) => {
    expect(complaintsAbout(path, text)).toEqual([]);
  });

  it('finds a cycle, through type imports too, and names the files along it', () => {
    const messages = checkImports([
      { path: 'shared/src/util/a.ts', text: `import { b } from './b.ts';` },
      { path: 'shared/src/util/b.ts', text: `import type { c } from './c.ts';` },
      { path: 'shared/src/util/c.ts', text: `export { a } from './a.ts';` },
    ]).map((finding) => finding.message);
    expect(messages).toEqual([
      'import cycle: shared/src/util/a.ts → shared/src/util/b.ts → shared/src/util/c.ts → shared/src/util/a.ts',
    ]);
  });

  it('reads the whole project', () => {
    expect(readSourceFiles().length).toBeGreaterThan(20);
  });
});
