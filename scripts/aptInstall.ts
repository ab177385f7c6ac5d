import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const aptGet = (args: readonly string[]): boolean => {
  const result = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return result.status === 0;
};

/** Whether packages can be installed without asking anybody: as root, with apt-get. */
export const canInstall = (): boolean => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

/** Installs Debian's packages. Whether that was enough, the caller sees by what it then finds. */
export const aptInstall = (...packages: string[]): void => {
  // An old package list is no reason to stop: the install says whether it was good enough.
  aptGet(['update']);
  aptGet(['install', '-y', '--no-install-recommends', ...packages]);
};

/** Whether the package lists of this machine know a package at all. */
export const isOffered = (name: string): boolean => {
  const result = spawnSync('apt-cache', ['show', '--no-all-versions', name], { stdio: 'ignore' });
  return result.status === 0;
};
