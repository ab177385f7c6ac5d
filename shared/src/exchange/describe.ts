import { z } from 'zod';
import type { FlowNode } from '../flow/document.ts';
import { NODE_KINDS, type NodeKind, nodeKind } from '../flow/records/registry.ts';

/** A setting in words, as its schema names it. `block` holds what does not fit a line: code, templates, expressions. */
export type Setting = {
  field: string;
  title: string;
  text: string;
  block: 'json' | 'ts' | 'js' | 'text' | null;
};

/** The part of JSON Schema that our own configs use. */
type Shape = {
  title?: string;
  unit?: string;
  widget?: string;
  advanced?: boolean;
  const?: unknown;
  properties?: Record<string, Shape>;
  anyOf?: Shape[];
  oneOf?: Shape[];
};

const shapes = new Map<NodeKind, Shape>();

function shapeOf(kind: NodeKind): Shape {
  const known = shapes.get(kind);
  if (known) return known;
  const shape = z.toJSONSchema(NODE_KINDS[kind].config, { io: 'input' }) as Shape;
  shapes.set(kind, shape);
  return shape;
}

/** Every setting of a node, in the order of its schema; new kinds need nothing here. */
export function settingsOf(node: FlowNode): Setting[] {
  const config = node.config as Record<string, unknown>;
  const initial = nodeKind(node.kind).initial() as Record<string, unknown>;
  return Object.entries(shapeOf(node.kind).properties ?? {}).flatMap(([field, shape]): Setting[] => {
    const value = config[field];
    if (value === undefined) return [];
    // What few people look at is told only where somebody changed it.
    if (shape.advanced && JSON.stringify(value) === JSON.stringify(initial[field])) return [];
    const block = blockOf(shape, value);
    return [
      {
        field,
        title: shape.title ?? field,
        text: block === null ? valueText(shape, value) : String(value),
        block,
      },
      ...innerBlocks(shape, field, value),
    ];
  });
}

/** The long texts of a chosen variant, such as the template of a body. */
function innerBlocks(shape: Shape, field: string, value: unknown): Setting[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const properties = (variantOf(shape, value as Record<string, unknown>) ?? shape).properties ?? {};
  return Object.entries(value).flatMap(([name, text]: [string, unknown]): Setting[] => {
    const inner = properties[name] ?? {};
    const block = blockOf(inner, text);
    const title = `${shape.title ?? field}, ${(inner.title ?? name).toLowerCase()}`;
    return block === null ? [] : [{ field: `${field}.${name}`, title, text: String(text), block }];
  });
}

function blockOf(shape: Shape, value: unknown): Setting['block'] {
  if (typeof value !== 'string') return null;
  if (shape.widget === 'code') return 'ts';
  if (shape.widget === 'json-template' || shape.widget === 'message-template') return 'json';
  if (shape.widget === 'textarea') return 'text';
  return shape.widget === 'expression' ? 'js' : null;
}

function valueText(shape: Shape, value: unknown): string {
  if (value === null || value === '') return 'none';
  if (Array.isArray(value)) return value.map((entry) => valueText({}, entry)).join('; ');
  if (typeof value === 'object') return objectText(shape, value as Record<string, unknown>);
  const unit = shape.unit ?? (shape.anyOf ?? []).find((variant) => variant.unit !== undefined)?.unit;
  return unit === undefined ? String(value) : `${String(value)} ${unit}`;
}

/** A variant is told by its title, then by its other fields: “At a rate, rate 2000 messages/s”. */
function objectText(shape: Shape, value: Record<string, unknown>): string {
  const variant = variantOf(shape, value);
  const properties = (variant ?? shape).properties ?? {};
  const parts = Object.entries(value).flatMap(([field, part]) => {
    const described = properties[field] ?? {};
    return described.const === undefined && blockOf(described, part) === null
      ? [`${(described.title ?? field).toLowerCase()} ${valueText(described, part)}`]
      : [];
  });
  return [...(variant?.title ? [variant.title.toLowerCase()] : []), ...parts].join(', ');
}

function variantOf(shape: Shape, value: Record<string, unknown>): Shape | undefined {
  return (shape.oneOf ?? shape.anyOf ?? []).find((candidate) =>
    Object.entries(candidate.properties ?? {}).every(
      ([field, part]) => part.const === undefined || part.const === value[field],
    ),
  );
}
