import type { ConsumerDelivery } from '@millrace/shared/flow/records/delivery.ts';
import { useStore } from 'zustand';
import { FoldSection } from '../../../ui/FoldSection.tsx';
import { Fields } from './Field.tsx';
import type { FieldModel, FormSection } from './fieldModel.ts';
import styles from './form.module.css';
import { useFieldValue } from './formScope.ts';
import { intoSections, openSections, SECTION_TITLES, sectionGist, toggleSection } from './sections.ts';

/** The form of a node: its own fields, then what it shares with others of its family in sections that fold away. */
export function SectionedForm({ fields }: { fields: readonly FieldModel[] }) {
  const { own, ownAdvanced, sections } = intoSections(fields);
  return (
    <>
      <Fields fields={own} />
      {sections.length > 0 && (
        <div className={styles.sections}>
          {sections.map(({ section, fields: inSection }) => (
            <Section key={section} section={section} fields={inSection} />
          ))}
        </div>
      )}
      <Fields fields={ownAdvanced} />
    </>
  );
}

function Section({ section, fields }: { section: FormSection; fields: readonly FieldModel[] }) {
  const opened = useStore(openSections, (open) => open[section]);
  // Only consumers have sections, and their configs hold all that a consumer's delivery needs.
  const config = useFieldValue([]) as ConsumerDelivery;
  return (
    <FoldSection
      title={SECTION_TITLES[section]}
      gist={sectionGist(section, config)}
      opened={opened}
      onToggle={() => toggleSection(section)}
      testId={`section-${section}`}
    >
      <Fields fields={fields} />
    </FoldSection>
  );
}
