import type { ConsumerDelivery } from '@millrace/shared/flow/records/delivery.ts';
import { createStore } from 'zustand/vanilla';
import type { FieldModel, FormSection } from './fieldModel.ts';

export const SECTION_TITLES: Readonly<Record<FormSection, string>> = {
  delivery: 'Delivery',
  scaling: 'Scaling',
};
const SECTIONS = Object.keys(SECTION_TITLES) as FormSection[];

export type SectionedFields = {
  own: FieldModel[];
  ownAdvanced: FieldModel[];
  sections: { section: FormSection; fields: FieldModel[] }[];
};

/** A node's own fields first, then what it shares with its kind, in parts that fold away, then what is seldom touched. */
export function intoSections(fields: readonly FieldModel[]): SectionedFields {
  const own = fields.filter(({ section }) => section === null);
  return {
    own: own.filter(({ advanced }) => !advanced),
    ownAdvanced: own.filter(({ advanced }) => advanced),
    sections: SECTIONS.map((section) => ({
      section,
      fields: fields.filter((field) => field.section === section),
    })).filter((each) => each.fields.length > 0),
  };
}

/** What a folded section says of its fields: enough to see whether it is worth opening. */
export function sectionGist(section: FormSection, config: ConsumerDelivery): string {
  switch (section) {
    case 'delivery': {
      const { guarantee, order, retry, idempotency } = config;
      const parts = [
        GUARANTEES[guarantee],
        ORDERS[order],
        retry.attemptsMax === 1 ? '1 attempt' : `${retry.attemptsMax} attempts`,
      ];
      if (idempotency.window !== 'off') parts.push('skips duplicates');
      return parts.join(', ');
    }
    case 'scaling': {
      const { instances, concurrency } = config;
      return `${instances === 1 ? '1 instance' : `${instances} instances`}, ${concurrency} at a time`;
    }
  }
}

const GUARANTEES: Record<ConsumerDelivery['guarantee'], string> = {
  'exactly-once': 'Exactly once',
  'at-least-once': 'At least once',
  'at-most-once': 'At most once',
};
const ORDERS: Record<ConsumerDelivery['order'], string> = {
  partition: 'in order per partition',
  key: 'in order per key',
  none: 'in any order',
};

/** Which sections stand open; the same for every node, so that going through nodes compares like with like. */
export const openSections = createStore<Readonly<Record<FormSection, boolean>>>(() => ({
  delivery: false,
  scaling: false,
}));

export function toggleSection(section: FormSection): void {
  openSections.setState((open) => ({ [section]: !open[section] }));
}
