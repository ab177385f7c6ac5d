import type { ChangeEffect } from '../changes.ts';

/** One thing that follows from a change. A record that changed in several ways has several. */
export type Consequence = { effect: ChangeEffect; sentence: string };

const RANK: Record<ChangeEffect, number> = { keeps: 0, starts: 1, loses: 2, blocking: 3 };

/** The gravest effect, and all that is to be said, the gravest first. */
export function weigh(consequences: readonly Consequence[]): { effect: ChangeEffect; consequence: string } {
  const sorted = [...consequences].sort((a, b) => RANK[b.effect] - RANK[a.effect]);
  const sentences = [...new Set(sorted.map(({ sentence }) => sentence))];
  return { effect: sorted[0]?.effect ?? 'keeps', consequence: sentences.join(' ') };
}

export const keeps = (sentence: string): Consequence => ({ effect: 'keeps', sentence });
export const starts = (sentence: string): Consequence => ({ effect: 'starts', sentence });
export const loses = (sentence: string): Consequence => ({ effect: 'loses', sentence });
export const blocks = (sentence: string): Consequence => ({ effect: 'blocking', sentence });

const grouped = new Intl.NumberFormat('en-US');

/** `1 message`, `1,204 messages`. */
export function countOf(count: number, word: string): string {
  return `${grouped.format(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
