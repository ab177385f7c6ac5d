import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flowJsonSchemaText } from '../shared/src/flow/jsonSchema.ts';

/** Writes the published JSON Schema of flows from the schemas in the code. Run it after changing a record. */
const path = fileURLToPath(new URL('../shared/schema/flow.schema.json', import.meta.url));
writeFileSync(path, flowJsonSchemaText());
console.log(`Wrote ${path}`);
