import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { draftFlow } from '../flows/draft.ts';

/** A drawing with an error and two warnings in it. */
export function withProblems(): FlowDocument {
  return draftFlow('Half drawn')
    .add('generator', 'Sensors', {})
    .add('topic', 'readings', {})
    .add('filter', 'Too hot', { expression: 'event.data.celsius > 90' })
    .add('log', 'Alarm', {}, { column: 3, row: 1 })
    .wire('readings', 'Too hot').document;
}
