import { spawnSync } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from './product.ts';

export type SmallDisk = {
  folder: string;
  bytesFree(): Promise<number>;
  /** Takes all room but so many bytes. */
  fill(leaveBytes: number): Promise<void>;
  /** Gives back what `fill` took. */
  makeRoom(): Promise<void>;
  remove(): Promise<void>;
};

const FILLER = 'filler';

/** A disk of its own that can be filled up, or null where mounting one is not permitted. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | null> {
  if (process.platform !== 'linux') return null;
  const { folder, remove } = await temporaryFolder('disk');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'millrace-test', folder]);
  if (mounted.status !== 0) {
    await remove();
    return null;
  }
  const bytesFree = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  return {
    folder,
    bytesFree,
    fill: async (leaveBytes) => {
      await writeFile(path.join(folder, FILLER), Buffer.alloc(Math.max(0, (await bytesFree()) - leaveBytes)));
    },
    makeRoom: () => rm(path.join(folder, FILLER), { force: true }),
    remove: async () => {
      spawnSync('umount', ['-l', folder]);
      await remove();
    },
  };
}
