import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { HeartPulse, Minus, Pause, Play, Plus, Zap } from 'lucide-react';
import flags from '../../live/flags.module.css';
import { exactNumber, plural } from '../../live/format.ts';
import { type GroupView, groupView, type Member, membersText, ownsText } from '../../live/groups.ts';
import type { LiveRun } from '../../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import { FoldSection } from '../../ui/FoldSection.tsx';
import styles from '../operate.module.css';
import { type Asking, type RunOperator, useAsking, useOperator } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import { toggleRunSection, useRunSections } from '../runSections.ts';
import { SeekForm } from './SeekForm.tsx';

/** As the protocol has it. */
const INSTANCES_MAX = 16;

/** The consumer group of one node while its run goes on (CG1 to CG3): members, what they own, and the ways to change it. */
export function GroupSection({ live, nodeId }: { live: LiveRun; nodeId: string }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const opened = useRunSections((state) => state.open.group);
  const operator = useOperator(live.runId);
  const asking = useAsking();
  const view = groupView(live, nodeId);
  if (!view) return null;
  return (
    <FoldSection
      title="Group"
      gist={view.paused ? 'paused' : membersText(view.members)}
      opened={opened}
      onToggle={() => toggleRunSection('group')}
      testId="section-group"
    >
      <p className={styles.sentence} data-testid="group-state">
        {view.paused ? <b>Paused.</b> : <b>{membersText(view.members)}.</b>}{' '}
        <span className={styles.soft}>
          Generation <span data-testid="group-generation">{exactNumber(view.generation)}</span>: it counts how
          often the partitions were dealt out.
        </span>
      </p>
      <Members live={live} nodeId={nodeId} view={view} operator={operator} asking={asking} />
      <Problem text={asking.problem} />
      <Controls nodeId={nodeId} view={view} operator={operator} asking={asking} />
      <SeekForm live={live} nodeId={nodeId} isPaused={view.paused} operator={operator} />
    </FoldSection>
  );
}

type PartProps = { nodeId: string; view: GroupView; operator: RunOperator; asking: Asking };

function Members({ live, nodeId, view, operator, asking }: PartProps & { live: LiveRun }) {
  return (
    <ul className={styles.members} aria-label="Instances">
      {view.members.map((member) => (
        <MemberLine
          key={member.index}
          member={member}
          live={live}
          nodeId={nodeId}
          operator={operator}
          asking={asking}
        />
      ))}
      {view.orphans.length > 0 && (
        <li className={styles.orphans} data-testid="group-orphans">
          Nobody owns {ownsText(view.orphans)}.
        </li>
      )}
    </ul>
  );
}

type MemberProps = Omit<PartProps, 'view'> & { live: LiveRun; member: Member };

function MemberLine({ member, live, nodeId, operator, asking }: MemberProps) {
  const { index, state, inFlight } = member;
  // A crash of this instance alone can be healed here; one of the whole node is healed under Faults.
  const crash = live.metrics.latest?.faults.find(
    ({ spec }) => spec.kind === 'crash' && spec.target.nodeId === nodeId && spec.target.instance === index,
  );
  const what = `instance-${index}`;
  return (
    <li className={styles.member} data-testid={`member-${index}`} data-state={state}>
      <span className={`${flags.member} ${styles.dot}`} data-state={state} aria-hidden />
      <span className={styles.memberText}>
        <span>
          <b>Instance {index}</b> {state}
        </span>
        <span className={styles.soft}>
          {plural(inFlight, 'message')} in flight · owns{' '}
          <span data-testid="owns">{ownsText(member.owns)}</span>
        </span>
      </span>
      {crash ? (
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<HeartPulse size={12} aria-hidden />}
          loading={asking.pending === what}
          onClick={() => void asking.ask(what, () => operator.healFault(crash.id))}
          aria-label={`Heal instance ${index}`}
        >
          Heal
        </Button>
      ) : (
        <Tooltip label="Its partitions go to the others; what it had in hand is handled again">
          <Button
            variant="default"
            size="compact-xs"
            leftSection={<Zap size={12} aria-hidden />}
            loading={asking.pending === what}
            disabled={state === 'down'}
            onClick={() =>
              void asking.ask(what, () =>
                operator.injectFault({
                  kind: 'crash',
                  target: { nodeId, instance: index },
                  rate: 1,
                  delayMs: 0,
                  durationMs: null,
                }),
              )
            }
            aria-label={`Crash instance ${index}`}
          >
            Crash
          </Button>
        </Tooltip>
      )}
    </li>
  );
}

function Controls({ nodeId, view, operator, asking }: PartProps) {
  const count = view.members.length;
  const scale = (instances: number): void =>
    void asking.ask('scale', () => operator.scaleGroup(nodeId, instances));
  return (
    <div className={styles.controls}>
      {view.paused ? (
        <Button
          leftSection={<Play size={13} aria-hidden />}
          loading={asking.pending === 'pause'}
          onClick={() => void asking.ask('pause', () => operator.resumeGroup(nodeId))}
          data-testid="group-resume"
        >
          Resume the group
        </Button>
      ) : (
        <Button
          variant="default"
          leftSection={<Pause size={13} aria-hidden />}
          loading={asking.pending === 'pause'}
          onClick={() => void asking.ask('pause', () => operator.pauseGroup(nodeId))}
          data-testid="group-pause"
        >
          Pause the group
        </Button>
      )}
      <span className={styles.grow} />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame and a legend for two buttons. */}
      <span className={styles.stepper} role="group" aria-label="Number of instances">
        <Tooltip label="One leaves: its partitions go to the others">
          <ActionIcon
            variant="default"
            aria-label="One instance less"
            disabled={count <= 1 || asking.pending !== null}
            onClick={() => scale(count - 1)}
            data-testid="scale-down"
          >
            <Minus size={13} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <span className={styles.stepperValue} data-testid="instance-count">
          {count}
        </span>
        <Tooltip label="One joins: partitions are dealt out again">
          <ActionIcon
            variant="default"
            aria-label="One instance more"
            disabled={count >= INSTANCES_MAX || asking.pending !== null}
            onClick={() => scale(count + 1)}
            data-testid="scale-up"
          >
            <Plus size={13} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </span>
    </div>
  );
}
