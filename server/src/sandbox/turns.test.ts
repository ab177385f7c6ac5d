import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

/** Acts that end when told, and what they did in order. */
function stage(turns: Turns) {
  const did: string[] = [];
  const ends = new Map<string, () => void>();
  const act = (name: string) => (): Promise<void> => {
    did.push(name);
    return new Promise((resolve) => ends.set(name, resolve));
  };
  return {
    did,
    share: (name: string) => turns.shared(act(name)),
    alone: (name: string) => turns.alone(act(name)),
    async end(...names: string[]) {
      for (const name of names) ends.get(name)?.();
      // Every turn that is handed on wakes one promise after the other.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('turns', () => {
  it('are shared by as many as may, in the order in which they asked', async () => {
    const { did, share, end } = stage(new Turns(2));
    const all = ['a', 'b', 'c', 'd'].map(share);
    await end();
    expect(did).toEqual(['a', 'b']);
    await end('b');
    expect(did).toEqual(['a', 'b', 'c']);
    await end('a', 'c');
    await end('d');
    await Promise.all(all);
    expect(did).toEqual(['a', 'b', 'c', 'd']);
  });

  it('go first to whoever asks to be alone, once those who share have ended', async () => {
    const { did, share, alone, end } = stage(new Turns(2));
    const all = [share('a'), share('b'), share('c'), alone('x'), alone('y'), share('d')];
    await end('a');
    expect(did).toEqual(['a', 'b']);
    await end('b');
    expect(did).toEqual(['a', 'b', 'x']);
    await end('x');
    expect(did).toEqual(['a', 'b', 'x', 'y']);
    await end('y');
    expect(did).toEqual(['a', 'b', 'x', 'y', 'c', 'd']);
    await end('c', 'd');
    await Promise.all(all);
  });

  it('are handed on by acts that throw', async () => {
    const turns = new Turns(1);
    const failed = turns.alone(() => Promise.reject(new Error('alone')));
    const also = turns.shared(() => Promise.reject(new Error('shared')));
    const last = turns.alone(async () => 'last');
    await expect(failed).rejects.toThrow('alone');
    await expect(also).rejects.toThrow('shared');
    expect(await last).toBe('last');
  });
});
