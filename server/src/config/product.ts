import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What comes with the product, found relative to its sources. */
export const SAMPLES_FOLDER = at('../../../samples');
export const SAMPLE_DATA_FOLDER = join(SAMPLES_FOLDER, 'data');
export const PAGE_FOLDER = at('../../../web/dist');

export function productVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(at('../../package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return String(version);
}
