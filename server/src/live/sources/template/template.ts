import {
  compileJsonTemplate as compileJson,
  compileTextTemplate as compileText,
} from '@millrace/shared/message/template.ts';
import { compileExpression, type ItemFacts } from './expression.ts';
import type { RandomFaker } from './randomFaker.ts';

/** A text field such as a key: every `{{…}}` is replaced by a generated value as text. */
export function compileTextTemplate(
  field: string,
  text: string,
  random: RandomFaker,
): (item: ItemFacts) => string {
  return compileText(field, text, (expression) => compileExpression(expression, random));
}

/** A JSON payload, whose strings hold the fields. */
export function compileJsonTemplate(
  field: string,
  text: string,
  random: RandomFaker,
): (item: ItemFacts) => string {
  return compileJson(field, text, (expression) => compileExpression(expression, random));
}
