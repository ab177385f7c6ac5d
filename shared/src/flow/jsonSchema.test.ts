import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flowJsonSchema, flowJsonSchemaText } from './jsonSchema.ts';
import { NODE_KIND_NAMES } from './records/registry.ts';

describe('the published JSON Schema', () => {
  it('is current; `node scripts/writeFlowSchema.ts` writes it anew', () => {
    expect(readFileSync(new URL('../../schema/flow.schema.json', import.meta.url), 'utf8')).toBe(
      flowJsonSchemaText(),
    );
  });

  it('describes every node kind and keeps titles, but none of our form hints', () => {
    const text = JSON.stringify(flowJsonSchema());
    for (const kind of NODE_KIND_NAMES) expect(text).toContain(`"const":"${kind}"`);
    expect(text).toContain('"title":"Partitions"');
    expect(text).not.toContain('"widget"');
  });
});
