import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, canInstall, isOffered } from './aptInstall.ts';

/** Where Debian keeps the programs of each major version, which are not on PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';

const isComplete = (folder: string): boolean =>
  ['postgres', 'initdb'].every((name) => existsSync(join(folder, name)));

/** The folder that holds `postgres` and `initdb`: the newest of Debian's, else one on PATH. */
export const findPostgres = (): string | undefined => {
  const chosen = process.env.MILLRACE_POSTGRES_BIN;
  if (chosen !== undefined && chosen !== '') {
    if (!isComplete(chosen))
      throw new Error(`MILLRACE_POSTGRES_BIN names ${chosen}, which holds no PostgreSQL`);
    return chosen;
  }
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_FOLDER, version, 'bin'))
    .concat((process.env.PATH ?? '').split(delimiter))
    .find(isComplete);
};

/**
 * Finds a PostgreSQL for the integration tests, which start it themselves, or installs Debian's where that needs no
 * question. Where there is none to be had its tests are skipped, visibly; where there is one, CI must not go without.
 */
export const ensurePostgres = (): string | undefined => {
  const found = findPostgres();
  if (found !== undefined) return found;
  if (canInstall()) {
    console.log('No PostgreSQL was found; installing it with apt-get');
    aptInstall('postgresql');
    const installed = findPostgres();
    if (installed !== undefined) return installed;
    if (process.env.CI === 'true' && isOffered('postgresql'))
      throw new Error('PostgreSQL is offered here, but could not be installed');
  }
  console.log('No PostgreSQL was found: its tests are skipped. On Debian: apt-get install -y postgresql');
  return undefined;
};
