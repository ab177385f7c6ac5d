/**
 * A seeded pseudo-random generator (xoshiro128**, Blackman and Vigna 2018), seeded through splitmix32 so that the
 * neighbouring seeds 1, 2, 3 start with unrelated draws. Its state is plain data, so it can be saved and restored.
 */
export type RandomState = { a: number; b: number; c: number; d: number };

export type Random = {
  /** A float in [0, 1) with 32 random bits. */
  next(): number;
  /** An integer in [0, below). */
  int(below: number): number;
  /** 32 random bits as an unsigned integer. */
  uint32(): number;
  /** A generator of its own whose draws do not disturb this one's. */
  fork(label: string): Random;
  save(): RandomState;
};

export function createRandom(seed: number | string): Random {
  let mix =
    typeof seed === 'number'
      ? (Math.imul(seed | 0, 0x9e3779b1) ^ Math.trunc(seed / 0x100000000)) | 0
      : hashText(seed);
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return restoreRandom({ a: splitmix(), b: splitmix(), c: splitmix(), d: splitmix() | 1 });
}

export function restoreRandom(saved: RandomState): Random {
  let { a, b, c, d } = saved;
  const uint32 = (): number => {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const random: Random = {
    uint32,
    next: () => uint32() / 0x100000000,
    int: (below) => Math.floor((uint32() / 0x100000000) * below),
    fork: (label) => createRandom(`${label}:${uint32()}:${uint32()}`),
    save: () => ({ a, b, c, d }),
  };
  return random;
}

/** FNV-1a over UTF-16 code units, finished with an avalanche step. For seeding only. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash | 0;
}
