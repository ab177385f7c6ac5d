import { createContext, use } from 'react';
import type { z } from 'zod';
import { getAt, setAt } from '../../store/json.ts';
import type { Path } from './fieldModel.ts';

/** One object under edit: what it holds, what may be put into it, and how a valid value gets into the document. */
export interface FormScope {
  /** Names the object among all drafts. */
  id: string;
  value: unknown;
  /** Null when the object with `next` at `path` is valid there, else a sentence. */
  check(path: Path, next: unknown): string | null;
  commit(path: Path, next: unknown, options: { label: string; isTyping: boolean }): void;
  /** A field was left: what is typed next is a step of its own. */
  settle(): void;
}

export const FormScopeContext = createContext<FormScope | null>(null);

export function useFormScope(): FormScope {
  const scope = use(FormScopeContext);
  if (!scope) throw new Error('Invariant broken: a form field outside FormScopeContext');
  return scope;
}

export function useFieldValue(path: Path): unknown {
  return getAt(useFormScope().value, path);
}

export function draftKey(scope: FormScope, path: Path): string {
  return `${scope.id}:${path.join('.')}`;
}

/** What the schema says against `next` at `path`. Faults elsewhere in the object are not this field's. */
export function checkAgainst(schema: z.ZodType, value: unknown, path: Path, next: unknown): string | null {
  const parsed = schema.safeParse(setAt(value, path, next));
  if (parsed.success) return null;
  const issue = parsed.error.issues.find((each) => path.every((key, index) => each.path[index] === key));
  if (!issue) return null;
  return sentenceOf(issue);
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'string') return 'This is needed.';
      return `At least ${Number(issue.minimum).toLocaleString('en')}.`;
    case 'too_big':
      if (issue.origin === 'string')
        return `At most ${Number(issue.maximum).toLocaleString('en')} characters.`;
      return `At most ${Number(issue.maximum).toLocaleString('en')}.`;
    case 'invalid_type':
      return issue.expected === 'int' ? 'A whole number is needed.' : `This must be a ${issue.expected}.`;
    default:
      return issue.message.endsWith('.') ? issue.message : `${issue.message}.`;
  }
}
