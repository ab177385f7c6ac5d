import { TriangleAlert } from 'lucide-react';
import styles from './operate.module.css';

/** Why something that was asked for did not happen. */
export function Problem({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p className={styles.problem} role="alert">
      <TriangleAlert size={13} aria-hidden /> {text}
    </p>
  );
}
