import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall, canInstall } from './aptInstall.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const HOW_TO_INSTALL = [
  'No Chromium was found. One of these provides it:',
  '  Debian, Ubuntu:  apt-get install -y chromium fonts-liberation',
  '  elsewhere:       node scripts/bootstrap.mjs pnpm --filter @millrace/e2e exec playwright install chromium',
  '  your own:        MILLRACE_CHROMIUM=/path/to/chrome npm test',
].join('\n');

const onPath = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .concat('/usr/bin', '/usr/local/bin', '/snap/bin')
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

/** The browser that Playwright downloaded for itself, if somebody asked it to. */
const fromPlaywright = (): string | undefined => {
  const resolveFromTests = createRequire(fileURLToPath(new URL('../e2e/package.json', import.meta.url)));
  const { chromium } = resolveFromTests('@playwright/test') as { chromium: { executablePath(): string } };
  const path = chromium.executablePath();
  return existsSync(path) ? path : undefined;
};

/** The browser for the end-to-end tests. An explicit choice that does not exist is an error, not a reason to guess. */
export const findChromium = (): string | undefined => {
  const chosen = process.env.MILLRACE_CHROMIUM;
  if (chosen === undefined || chosen === '') return onPath() ?? fromPlaywright();
  if (!existsSync(chosen)) throw new Error(`MILLRACE_CHROMIUM names ${chosen}, which does not exist`);
  return chosen;
};

/** Finds a browser, or installs Debian's where that needs no question: as root, with apt-get. */
export const ensureChromium = (): string => {
  const found = findChromium();
  if (found !== undefined) return found;
  if (!canInstall()) throw new Error(HOW_TO_INSTALL);
  console.log('No Chromium was found; installing it with apt-get');
  aptInstall('chromium', 'fonts-liberation');
  const installed = onPath();
  if (installed === undefined) throw new Error(HOW_TO_INSTALL);
  return installed;
};
