import { z } from 'zod';
import { flowDocumentSchema } from './document.ts';

/**
 * The published JSON Schema (draft 2020-12) of a flow, made from the schemas that check flows at run time. Editors use it
 * to complete and check `*.flow.json`. What the schema cannot say (wiring, ids that exist) `validateFlow` says.
 */
export function flowJsonSchema(): Record<string, unknown> {
  const { $schema, title, description, ...rest } = z.toJSONSchema(flowDocumentSchema, {
    io: 'input',
    override: ({ jsonSchema }) => dropFormHints(jsonSchema),
  });
  return { $schema, title, description, ...rest };
}

/** Hints for our own forms say nothing to other programs. */
function dropFormHints(schema: Record<string, unknown>): void {
  for (const hint of ['widget', 'advanced', 'placeholder', 'section', 'shownWhen', 'begins', 'labels'])
    delete schema[hint];
}

export function flowJsonSchemaText(): string {
  return `${JSON.stringify(flowJsonSchema(), null, 2)}\n`;
}
