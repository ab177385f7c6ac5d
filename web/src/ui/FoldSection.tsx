import { UnstyledButton } from '@mantine/core';
import { ChevronRight } from 'lucide-react';
import { type ReactNode, useId } from 'react';
import styles from './FoldSection.module.css';

type Props = {
  title: string;
  /** What a folded section says of itself. */
  gist: ReactNode;
  opened: boolean;
  onToggle: () => void;
  testId: string;
  children: ReactNode;
};

/** A part of a panel that folds away, and says what is in it while it does. What is folded is not mounted: it may be live. */
export function FoldSection({ title, gist, opened, onToggle, testId, children }: Props) {
  const id = useId();
  return (
    <section className={styles.section} aria-label={title}>
      <h3 className={styles.head}>
        <UnstyledButton
          className={styles.toggle}
          aria-expanded={opened}
          aria-controls={opened ? id : undefined}
          onClick={onToggle}
          data-testid={testId}
        >
          <ChevronRight size={14} aria-hidden="true" data-opened={opened || undefined} />
          <span className={styles.title}>{title}</span>
          {!opened && <span className={styles.gist}>{gist}</span>}
        </UnstyledButton>
      </h3>
      {opened && (
        <div className={styles.body} id={id}>
          {children}
        </div>
      )}
    </section>
  );
}
