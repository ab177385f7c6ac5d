import { z } from 'zod';
import type { Random } from '../util/random.ts';

/** Record ids say what they name: `node:k3f9…`. They never change and are never reused, so a rename is not a new node. */
export const nodeIdSchema = z
  .string()
  .regex(/^node:[A-Za-z0-9_-]{1,64}$/, 'A node id looks like node:abc123');
export const edgeIdSchema = z
  .string()
  .regex(/^edge:[A-Za-z0-9_-]{1,64}$/, 'An edge id looks like edge:abc123');
export const schemaIdSchema = z
  .string()
  .regex(/^schema:[A-Za-z0-9_-]{1,64}$/, 'A schema id looks like schema:abc123');
export const flowIdSchema = z
  .string()
  .regex(/^flow:[A-Za-z0-9_-]{1,64}$/, 'A flow id looks like flow:abc123');

export type NodeId = string;
export type EdgeId = string;
export type SchemaId = string;
export type FlowId = string;

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `node:` and ten characters of base 36, about 51 random bits. */
export function newId(prefix: 'node' | 'edge' | 'schema' | 'flow' | 'run', random: Random): string {
  let text = '';
  for (let i = 0; i < 10; i++) text += ALPHABET[random.int(36)];
  return `${prefix}:${text}`;
}
