import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assert } from '@millrace/shared/util/assert.ts';
import { stripTypes } from '../typeStripping.ts';

export type HarnessFile = { file: string; code: string; imports: Map<string, string> };

const require = createRequire(import.meta.url);
let loaded: HarnessFile[] | null = null;

/**
 * The modules that run inside every isolate, with types stripped, entry first. They are ordinary files of this project
 * (`isolate/` and what it imports from shared), so that the same generator and ids serve both sides of the wall.
 */
export function harnessFiles(): HarnessFile[] {
  if (loaded) return loaded;
  const files = new Map<string, HarnessFile>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    const code = stripTypes(readFileSync(file, 'utf8'));
    const entry: HarnessFile = { file, code, imports: new Map() };
    files.set(file, entry);
    for (const match of code.matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)';/gm)) {
      const specifier = match[1] as string;
      const target = specifier.startsWith('.')
        ? fileURLToPath(new URL(specifier, pathToFileURL(file)))
        : require.resolve(specifier);
      assert(
        !specifier.startsWith('node:'),
        `${file} runs inside the isolate and cannot import ${specifier}`,
      );
      entry.imports.set(specifier, target);
      visit(target);
    }
  };
  visit(fileURLToPath(new URL('../isolate/harness.ts', import.meta.url)));
  loaded = [...files.values()];
  return loaded;
}
