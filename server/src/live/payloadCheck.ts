import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { PayloadCheck } from '../engine/io.ts';

/**
 * Compiles the schemas that the topics of a document name (TP5). Throws FLOW_INVALID naming a schema that is none.
 * `format` is an annotation, as draft 2020-12 has it by default, and unknown keywords are left alone.
 */
export function createPayloadCheck(document: FlowDocument): PayloadCheck {
  const validators = new Map<string, ValidateFunction>();
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  for (const node of document.nodes) {
    if (node.kind !== 'topic' || node.config.schema === null) continue;
    const schemaId = node.config.schema;
    const found = document.schemas.find((schema) => schema.id === schemaId);
    if (!found) {
      throw new WorkbenchError(
        'FLOW_INVALID',
        `${node.name} names the schema ${schemaId}, which this flow does not have.`,
        {
          details: { nodeId: node.id, schemaId },
        },
      );
    }
    try {
      validators.set(node.id, ajv.compile(found.schema));
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new WorkbenchError(
        'FLOW_INVALID',
        `${node.name}: the schema ${found.subject} (version ${found.version}) is not a JSON Schema: ${reason}. Correct it, or let the topic name none.`,
        {
          details: { nodeId: node.id, schemaId },
          cause: thrown,
        },
      );
    }
  }
  return (topicId, data) => {
    const validate = validators.get(topicId);
    if (!validate) return null;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return 'data is not JSON';
    }
    return validate(value) ? null : ajv.errorsText(validate.errors?.slice(0, 1));
  };
}
