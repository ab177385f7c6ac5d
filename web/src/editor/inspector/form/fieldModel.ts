import { z } from 'zod';

export type Path = readonly (string | number)[];

export type FormSection = 'delivery' | 'scaling';
type Common = {
  key: string;
  title: string;
  description: string | null;
  advanced: boolean;
  section: FormSection | null;
  /** The field would do nothing while another one of the same object says otherwise. */
  shownWhen: { field: string; isOneOf: readonly string[] | null } | null;
};
export type TextFieldModel = Common & {
  shape: 'text';
  widget:
    | 'line'
    | 'textarea'
    | 'code'
    | 'expression'
    | 'json-template'
    | 'message-template'
    | 'cron'
    | 'file'
    | 'path';
  placeholder: string | null;
  mayBeEmpty: boolean;
};
export type NumberFieldModel = Common & {
  shape: 'number';
  isInteger: boolean;
  min: number | null;
  max: number | null;
  unit: string | null;
  isNullable: boolean;
  /** What it begins with when its variant of a union is chosen; null for its minimum. */
  begins: number | null;
};
export type EnumFieldModel = Common & { shape: 'enum'; options: { value: string; label: string }[] };
export type SwitchFieldModel = Common & { shape: 'switch' };
export type ObjectFieldModel = Common & { shape: 'object'; fields: FieldModel[] };
export type UnionVariant = { tagValue: string; title: string; fields: FieldModel[] };
export type UnionFieldModel = Common & { shape: 'union'; tag: string; variants: UnionVariant[] };
export type RoutesFieldModel = Common & { shape: 'routes'; fields: FieldModel[]; max: number };
/** A short list of objects of a few fields each; the first field names a row. */
export type RowsFieldModel = Common & { shape: 'rows'; fields: FieldModel[]; max: number };
export type SchemaRefFieldModel = Common & { shape: 'schema-ref' };
export type FieldModel =
  | TextFieldModel
  | NumberFieldModel
  | EnumFieldModel
  | SwitchFieldModel
  | ObjectFieldModel
  | UnionFieldModel
  | RoutesFieldModel
  | RowsFieldModel
  | SchemaRefFieldModel;

const TEXT_WIDGETS = [
  'textarea',
  'code',
  'expression',
  'json-template',
  'message-template',
  'cron',
  'file',
  'path',
] as const;

/** The part of JSON Schema that `z.toJSONSchema` makes of our config schemas, with their meta. */
type Schema = {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: string[];
  const?: string;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  minLength?: number;
  pattern?: string;
  title?: string;
  description?: string;
  unit?: string;
  widget?: string;
  placeholder?: string;
  advanced?: boolean;
  section?: FormSection;
  shownWhen?: { field: string; isOneOf?: readonly string[] };
  begins?: number;
  labels?: Readonly<Record<string, string>>;
};

const formsOf = new WeakMap<z.ZodType, FieldModel[]>();

/** The form of a config schema. The schema is the only description of a config, so the form cannot disagree with it. */
export function fieldsOf(config: z.ZodType): FieldModel[] {
  const known = formsOf.get(config);
  if (known) return known;
  // z.toJSONSchema answers a wider type than the subset our own schemas use.
  const fields = objectFields(z.toJSONSchema(config, { io: 'input' }) as Schema);
  formsOf.set(config, fields);
  return fields;
}

function objectFields(schema: Schema): FieldModel[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    if (property.widget === 'hidden' || property.const !== undefined) return [];
    return [fieldOf(key, property)];
  });
}

function fieldOf(key: string, schema: Schema): FieldModel {
  const common: Common = {
    key,
    title: schema.title ?? humanWord(key),
    description: schema.description ?? null,
    advanced: schema.advanced ?? false,
    section: schema.section ?? null,
    shownWhen: schema.shownWhen
      ? { field: schema.shownWhen.field, isOneOf: schema.shownWhen.isOneOf ?? null }
      : null,
  };
  if (schema.widget === 'schema-ref') return { ...common, shape: 'schema-ref' };
  if (schema.anyOf) return nullableField(key, schema, common);
  if (schema.oneOf) return unionField(schema.oneOf, common);
  if (schema.enum) {
    const options = schema.enum.map((value) => ({
      value,
      label: schema.labels?.[value] ?? humanWord(value),
    }));
    return { ...common, shape: 'enum', options };
  }
  switch (schema.type) {
    case 'number':
    case 'integer':
      return {
        ...common,
        shape: 'number',
        isInteger: schema.type === 'integer',
        min: schema.minimum ?? null,
        max: schema.maximum ?? null,
        unit: schema.unit ?? null,
        isNullable: false,
        begins: schema.begins ?? null,
      };
    case 'boolean':
      return { ...common, shape: 'switch' };
    case 'object':
      return { ...common, shape: 'object', fields: objectFields(schema) };
    case 'array':
      return {
        ...common,
        shape: schema.widget === 'rows' ? 'rows' : 'routes',
        fields: objectFields(schema.items ?? {}),
        max: schema.maxItems ?? Number.POSITIVE_INFINITY,
      };
    case 'string':
      return {
        ...common,
        shape: 'text',
        widget: TEXT_WIDGETS.find((widget) => widget === schema.widget) ?? 'line',
        placeholder: schema.placeholder ?? null,
        mayBeEmpty:
          (schema.minLength ?? 0) === 0 &&
          (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test('')),
      };
    default:
      throw new Error(`Invariant broken: no form field for ${key} of type ${schema.type}`);
  }
}

function nullableField(key: string, schema: Schema, common: Common): FieldModel {
  const inner = schema.anyOf?.find((each) => each.type !== 'null');
  if (!inner) throw new Error(`Invariant broken: the union ${key} holds nothing but null`);
  const field = { ...fieldOf(key, { ...inner, widget: schema.widget ?? inner.widget }), ...common };
  return field.shape === 'number' ? { ...field, unit: schema.unit ?? field.unit, isNullable: true } : field;
}

function unionField(variants: Schema[], common: Common): UnionFieldModel {
  const tag = Object.entries(variants[0]?.properties ?? {}).find(
    ([, property]) => property.const !== undefined,
  )?.[0];
  if (tag === undefined) throw new Error(`Invariant broken: the union ${common.key} has no tag`);
  return {
    ...common,
    shape: 'union',
    tag,
    variants: variants.map((variant) => {
      const tagValue = variant.properties?.[tag]?.const ?? '';
      return { tagValue, title: variant.title ?? humanWord(tagValue), fields: objectFields(variant) };
    }),
  };
}

/** What a field begins with when its variant of a union has just been chosen. */
export function initialValue(field: FieldModel, nowIso: string): unknown {
  switch (field.shape) {
    case 'number':
      if (field.isNullable) return null;
      if (field.begins !== null) return field.begins;
      return field.isInteger
        ? (field.min ?? 0)
        : Math.max(field.min ?? 0, field.unit?.endsWith('/s') ? 10 : 1);
    case 'enum':
      return field.options[0]?.value;
    case 'switch':
      return false;
    case 'text':
      if (field.key === 'time') return nowIso;
      // What must not be empty begins as its example.
      return field.mayBeEmpty ? '' : (field.placeholder ?? '');
    case 'object':
      return initialObject(field.fields, nowIso);
    case 'union': {
      const [first] = field.variants;
      return first ? { [field.tag]: first.tagValue, ...initialObject(first.fields, nowIso) } : null;
    }
    case 'routes':
    case 'rows':
      return [];
    case 'schema-ref':
      return null;
  }
}

export function initialObject(fields: readonly FieldModel[], nowIso: string): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.key, initialValue(field, nowIso)]));
}

/** Without the fields that would do nothing as the others are set. */
export function shownFields(fields: readonly FieldModel[], value: unknown): FieldModel[] {
  return fields.filter(({ shownWhen }) => {
    if (shownWhen === null) return true;
    const other = (value as Record<string, unknown> | null | undefined)?.[shownWhen.field];
    if (shownWhen.isOneOf === null) return other !== null && other !== undefined && other !== '';
    return shownWhen.isOneOf.includes(String(other));
  });
}

const WORDS: Readonly<Record<string, string>> = {
  jsonl: 'JSONL',
  csv: 'CSV',
  cloudevents: 'CloudEvent',
  data: 'Payload',
  fsync: 'fsync',
};

/** `dead-letter` → `Dead-letter`, `attemptsMax` → `Attempts max`. */
export function humanWord(word: string): string {
  const known = WORDS[word];
  if (known) return known;
  // A name that is written in capitals everywhere, such as GET.
  if (/^[A-Z]+$/.test(word)) return word;
  const spaced = word.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Reads a number as people type it; null says that it is none. */
export function parseNumber(text: string, isInteger: boolean): number | null {
  const plain = text
    .trim()
    .replaceAll(/[\s_]/g, '')
    .replaceAll(/,(?=\d{3}(?:\D|$))/g, '');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  if (!Number.isFinite(value) || (isInteger && !Number.isInteger(value))) return null;
  return value;
}
