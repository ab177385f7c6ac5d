import { z } from 'zod';
import { schemaIdSchema } from '../ids.ts';

/** One version of the schema of a subject. Topics name it; what is appended there must fit. */
export const payloadSchemaSchema = z.strictObject({
  id: schemaIdSchema,
  subject: z.string().min(1).max(128).meta({ title: 'Subject' }),
  version: z.int().min(1).meta({ title: 'Version' }),
  /** JSON Schema, draft 2020-12, as a JSON object. */
  schema: z.record(z.string(), z.unknown()).meta({ title: 'JSON Schema' }),
});
export type PayloadSchema = z.infer<typeof payloadSchemaSchema>;
