import { TextInput } from '@mantine/core';
import { formatQuantity, parseQuantity, quantityOf } from '../../../ui/quantity.ts';
import { DraftError } from './DraftError.tsx';
import { type NumberFieldModel, type Path, parseNumber } from './fieldModel.ts';
import styles from './form.module.css';
import { type Reading, useTextDraft } from './useTextDraft.ts';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 20 });

/** The number a text stands for; where it counts milliseconds or bytes, `24 h` and `64 MiB` do too. */
export function readFigure(field: NumberFieldModel, text: string): Reading {
  if (field.isNullable && text.trim() === '') return { ok: true, value: null };
  const quantity = quantityOf(field.unit);
  const value =
    parseNumber(text, field.isInteger) ?? (quantity === null ? null : parseQuantity(quantity, text));
  if (value !== null) return { ok: true, value };
  if (quantity === 'duration') return { ok: false, error: 'Milliseconds, or a time such as 24 h or 10 min.' };
  if (quantity === 'bytes') return { ok: false, error: 'Bytes, or a size such as 64 MiB.' };
  return { ok: false, error: field.isInteger ? 'A whole number is needed.' : 'A number is needed.' };
}

/** A number with its unit. A time or a size is shown twice: exactly, and as people say it. */
export function NumberField({ field, path }: { field: NumberFieldModel; path: Path }) {
  const quantity = quantityOf(field.unit);
  const draft = useTextDraft(path, {
    label: `Edit ${field.title.toLowerCase()}`,
    show: (value) => (typeof value === 'number' ? grouped.format(value) : ''),
    read: (text) => readFigure(field, text),
  });
  const reading = readFigure(field, draft.text);
  const value = reading.ok && typeof reading.value === 'number' ? reading.value : null;
  const said = quantity === null || value === null ? null : formatQuantity(quantity, value);
  // `200 ms` beside `200` would only repeat it.
  const isSaidBetter = said !== null && said !== `${value} ms` && said !== `${value} B`;
  const unit = isSaidBetter ? `${field.unit === 'ms' ? 'ms' : 'bytes'} = ${said}` : field.unit;
  const step = (direction: 1 | -1): void => {
    if (value === null) return;
    const next = value + direction * (field.isInteger || Math.abs(value) >= 10 ? 1 : 0.1);
    const bounded = Math.min(field.max ?? next, Math.max(field.min ?? next, next));
    draft.onText(String(Math.round(bounded * 1e6) / 1e6));
  };
  return (
    <TextInput
      label={field.title}
      description={field.description}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      inputMode={quantity !== null ? 'text' : field.isInteger ? 'numeric' : 'decimal'}
      role="spinbutton"
      aria-valuenow={value ?? undefined}
      aria-valuetext={isSaidBetter ? said : undefined}
      aria-valuemin={field.min ?? undefined}
      aria-valuemax={field.max ?? undefined}
      placeholder={field.isNullable ? 'no limit' : undefined}
      value={draft.text}
      error={draft.error === null ? undefined : <DraftError draft={draft} />}
      onChange={(event) => draft.onText(event.currentTarget.value)}
      onBlur={draft.onBlur}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
        event.preventDefault();
        step(event.key === 'ArrowUp' ? 1 : -1);
      }}
      rightSection={unit && <span className={styles.unit}>{unit}</span>}
      rightSectionWidth={unit ? unit.length * 6.4 + 16 : undefined}
      rightSectionPointerEvents="none"
      data-testid={`field-${path.join('.')}`}
    />
  );
}
