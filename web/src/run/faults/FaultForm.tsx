import { Button, Group, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { FAULT_TITLES, type FaultKind } from '@millrace/shared/faults/fault.ts';
import { Zap } from 'lucide-react';
import { type ChangeEvent, type FormEvent, useEffect, useRef, useState } from 'react';
import { hasDelay, hasRate } from '../../live/faults.ts';
import styles from '../operate.module.css';
import type { Asking, RunOperator } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import { takeAskedFault, useRunSections } from '../runSections.ts';
import { draftOf, FAULT_EXPLAINED, type FaultDraft, narrowings, specOf } from './faultModel.ts';

type Props = {
  recordId: string;
  kinds: readonly FaultKind[];
  /** How many of each there are to choose from. */
  instances: number;
  partitions: number;
  operator: RunOperator;
  asking: Asking;
};

/** What is to go wrong here, for how much and how long. Only what the kind has is asked. */
export function FaultForm({ recordId, kinds, instances, partitions, operator, asking }: Props) {
  const [draft, setDraft] = useState<FaultDraft>(() => draftOf(kinds[0] as FaultKind));
  const [isTried, setTried] = useState(false);
  const asked = useRunSections((state) => state.askedFault);
  const form = useRef<HTMLFormElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` stands for the moment in which a menu asked.
  useEffect(() => {
    const kind = takeAskedFault(recordId);
    if (kind === null || !kinds.includes(kind)) return;
    setDraft(draftOf(kind));
    form.current?.scrollIntoView({ block: 'nearest' });
    form.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
  }, [asked]);

  const reading = specOf(draft, recordId);
  const errorOf = (field: string): string | undefined => {
    if (reading.ok || (!isTried && field !== 'duration')) return undefined;
    return reading.faults.find((fault) => fault.field === field)?.sentence;
  };
  const set = (change: Partial<FaultDraft>): void => setDraft({ ...draft, ...change });
  const field = (name: 'ratePercent' | 'delay' | 'duration') => ({
    value: draft[name] ?? '',
    error: errorOf(name),
    onChange: (event: ChangeEvent<HTMLInputElement>) => set({ [name]: event.currentTarget.value }),
  });
  const choice = (name: 'instance' | 'partition') => ({
    value: draft[name],
    onChange: (value: number | null) => set({ [name]: value }),
    testId: `fault-${name}`,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (!reading.ok) return;
    void asking.ask('inject', async () => {
      await operator.injectFault(reading.spec);
      setTried(false);
    });
  };
  const narrow = narrowings(draft.kind);
  return (
    <form ref={form} className={styles.form} onSubmit={submit} aria-label="Inject a fault" noValidate>
      <NativeSelect
        label="What goes wrong"
        description={FAULT_EXPLAINED[draft.kind]}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        data={kinds.map((kind) => ({ value: kind, label: FAULT_TITLES[kind] }))}
        value={draft.kind}
        // The list holds nothing but kinds.
        onChange={(event) => setDraft(draftOf(event.currentTarget.value as FaultKind))}
        size="xs"
        data-autofocus
        data-testid="fault-kind"
      />
      <div className={styles.pair}>
        {hasRate(draft.kind) && (
          <TextInput
            label="Share of messages"
            {...field('ratePercent')}
            rightSection={<span className={styles.unit}>%</span>}
            inputMode="decimal"
            data-testid="fault-rate"
          />
        )}
        {hasDelay(draft.kind) && (
          <TextInput label="By how much" {...field('delay')} placeholder="500 ms" data-testid="fault-delay" />
        )}
        {narrow.instance && <Choice label="Instance" count={instances} {...choice('instance')} />}
        {narrow.partition && <Choice label="Partition" count={partitions} {...choice('partition')} />}
      </div>
      <div className={styles.pair}>
        <div>
          <span className={styles.label} id={`lasts-${recordId}`}>
            Lasts
          </span>
          <SegmentedControl
            fullWidth
            aria-labelledby={`lasts-${recordId}`}
            data={[
              { value: 'healed', label: 'Until healed' },
              { value: 'timed', label: 'For a time' },
            ]}
            value={draft.duration === null ? 'healed' : 'timed'}
            onChange={(lasts) => set({ duration: lasts === 'timed' ? '30 s' : null })}
            data-testid="fault-lasts"
          />
        </div>
        {draft.duration !== null && (
          <TextInput
            label="How long"
            {...field('duration')}
            placeholder="30 s"
            data-testid="fault-duration"
          />
        )}
      </div>
      <Problem text={asking.problem} />
      <Group gap="xs">
        <Button
          type="submit"
          className={styles.break}
          leftSection={<Zap size={13} aria-hidden />}
          loading={asking.pending === 'inject'}
          data-testid="fault-inject"
        >
          Inject
        </Button>
      </Group>
    </form>
  );
}

type ChoiceProps = {
  label: string;
  count: number;
  value: number | null;
  onChange: (value: number | null) => void;
  testId: string;
};

function Choice({ label, count, value, onChange, testId }: ChoiceProps) {
  return (
    <NativeSelect
      label={label}
      size="xs"
      data={[
        { value: '', label: `All ${label.toLowerCase()}s` },
        ...Array.from({ length: count }, (_, index) => ({
          value: String(index),
          label: `${label} ${index}`,
        })),
      ]}
      value={value === null ? '' : String(value)}
      onChange={({ currentTarget }) =>
        onChange(currentTarget.value === '' ? null : Number(currentTarget.value))
      }
      data-testid={testId}
    />
  );
}
