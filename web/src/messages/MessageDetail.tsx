import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import { Crosshair, GitFork, Waypoints, X } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { formatBytes, formatDateTime } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { type MessageRef, type RunReader, useWatch } from '../live/watch.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { JsonView } from '../ui/JsonView.tsx';
import { type DeadLetterFacts, deadLetterFacts } from './deadLetter.ts';
import { classes } from './styles.ts';

type Props = { live: LiveRun; reader: RunReader; position: MessageRef; known: BrowsedMessage | null };

/** One message: payload, CloudEvents attributes, and for a dead letter what happened to it. */
export function MessageDetail({ live, reader, position, known }: Props) {
  const selectMessage = useSelection((state) => state.selectMessage);
  const { message, problem } = useMessage(reader, position, known);
  return (
    <section
      className={classes.detail}
      aria-label="Message"
      data-testid="message-detail"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        selectMessage(null);
      }}
    >
      <header className={classes.detailHead}>
        <h3>
          Partition {position.partition}, offset {position.offset}
        </h3>
        <span className={classes.grow} />
        <Tooltip label="Close the message (Esc)">
          <ActionIcon aria-label="Close the message" onClick={() => selectMessage(null)}>
            <X size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </header>
      {message ? <Content live={live} position={position} message={message} /> : null}
      {problem ? (
        <p className={classes.empty} role="alert">
          {problem}
        </p>
      ) : null}
      {!message && !problem ? <p className={classes.empty}>Reading the message…</p> : null}
    </section>
  );
}

/** The row if it is listed, else the server's answer; what was found stays while the list under it moves on. */
function useMessage(reader: RunReader, position: MessageRef, known: BrowsedMessage | null) {
  const { topicId, partition, offset } = position;
  const [found, setFound] = useState<{
    position: string;
    message: BrowsedMessage | null;
    problem: string | null;
  } | null>(null);
  const at = `${topicId}/${partition}/${offset}`;
  const current = found?.position === at ? found : null;
  const needed = known === null && current === null;

  useEffect(() => {
    if (known) setFound({ position: at, message: known, problem: null });
  }, [known, at]);
  useEffect(() => {
    if (!needed) return;
    let dropped = false;
    reader.getMessage({ topicId, partition, offset }).then(
      ({ message }) => {
        const problem = message ? null : 'There is no message at this offset.';
        if (!dropped) setFound({ position: at, message, problem });
      },
      (thrown: unknown) => {
        const { message } = toWorkbenchError(thrown);
        if (!dropped)
          setFound({ position: at, message: null, problem: `The message could not be read: ${message}` });
      },
    );
    return () => {
      dropped = true;
    };
  }, [needed, reader, topicId, partition, offset, at]);

  return { message: known ?? current?.message ?? null, problem: known ? null : (current?.problem ?? null) };
}

type ContentProps = { live: LiveRun; position: MessageRef; message: BrowsedMessage };

function Content({ live, position, message }: ContentProps) {
  const { host } = useWatch();
  const selectTrace = useSelection((state) => state.selectTrace);
  const dead = deadLetterFacts(message.extensions);
  const others = Object.entries(message.extensions).filter(
    ([name]) => dead === null || !name.startsWith('dl'),
  );
  return (
    <div className={classes.detailBody}>
      <div className={classes.actions}>
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<Waypoints size={12} aria-hidden />}
          onClick={() => {
            selectTrace(message.correlationId);
            host.openTab('traces');
          }}
          data-testid="message-open-trace"
        >
          Open its trace
        </Button>
        <HandleAgain position={position} />
        <CopyButton text={message.data} label="Copy the payload" />
      </div>
      {dead ? <DeadLetter live={live} facts={dead} /> : null}
      {message.truncated ? (
        <p className={classes.note} role="status">
          Cut: only the beginning of {formatBytes(message.bytes)} is shown. The JSONL export has all of it.
        </p>
      ) : null}
      <JsonView text={message.data} label="Payload" />
      <dl className={classes.facts}>
        <Fact name="id" mono>
          {message.id}
          <CopyButton text={message.id} label="Copy the id" />
        </Fact>
        <Fact name="type">{message.type}</Fact>
        <Fact name="source">{message.source}</Fact>
        <Fact name="time">{formatDateTime(message.timeMs)}</Fact>
        <Fact name="appended">{formatDateTime(message.appendedMs)}</Fact>
        <Fact name="partitionkey">{message.key ?? 'none'}</Fact>
        <Fact name="correlationid" mono>
          {message.correlationId}
          <CopyButton text={message.correlationId} label="Copy the correlation id" />
        </Fact>
        <Fact name="causationid" mono>
          {message.causationId ?? 'none: it began its trace'}
        </Fact>
        {others.map(([name, value]) => (
          <Fact key={name} name={name}>
            {String(value)}
          </Fact>
        ))}
        <Fact name="size">{formatBytes(message.bytes)}</Fact>
      </dl>
    </div>
  );
}

/** Rule RN5. */
function HandleAgain({ position }: { position: MessageRef }) {
  const { handlingAgain } = useWatch();
  const { refusal } = handlingAgain;
  return (
    <Tooltip
      label={
        refusal ??
        'A new run of the drawing as it is now, without producers, which handles this message and what came after it'
      }
      multiline
      maw={320}
    >
      <Button
        variant="default"
        size="compact-xs"
        leftSection={<GitFork size={12} aria-hidden />}
        aria-disabled={refusal !== null}
        data-disabled={refusal !== null || undefined}
        data-testid="message-handle-again"
        onClick={() => {
          if (refusal === null) handlingAgain.from(position);
        }}
      >
        Handle again from here in a new run
      </Button>
    </Tooltip>
  );
}

/** Rule DL4: where it came from, how often it was tried, how it failed first and last. */
function DeadLetter({ live, facts }: { live: LiveRun; facts: DeadLetterFacts }) {
  const { host } = useWatch();
  const selectMessage = useSelection((state) => state.selectMessage);
  const group = facts.group;
  const origin = originOf(live, facts);
  return (
    <section className={classes.dead} aria-label="Dead letter" data-testid="dead-letter">
      <p>
        <b>Dead letter</b> after {facts.attempts ?? '?'} attempts
        {group === null ? '' : ' by '}
        {group === null ? null : (
          <button type="button" className={classes.link} onClick={() => host.showNode(group)}>
            <Crosshair size={11} aria-hidden /> {live.nodeName(group)}
          </button>
        )}
        . It was in {facts.topic}, partition {facts.partition ?? '?'}, offset {facts.offset ?? '?'}
        {origin ? (
          <>
            {' '}
            <button type="button" className={classes.link} onClick={() => selectMessage(origin)}>
              show it there
            </button>
          </>
        ) : null}
        .
      </p>
      <ErrorLine name="Last error" error={facts.last} />
      {facts.first.message === facts.last.message ? null : (
        <ErrorLine name="First error" error={facts.first} />
      )}
      {facts.stack === null ? null : <pre>{facts.stack}</pre>}
    </section>
  );
}

/** A dead letter names its topic by name; on the drawing names are unique, so the node is found by it. */
function originOf(live: LiveRun, facts: DeadLetterFacts): MessageRef | null {
  const topic = live.graph?.document.nodes.find((node) => node.kind === 'topic' && node.name === facts.topic);
  if (!topic || facts.partition === null || facts.offset === null) return null;
  return { topicId: topic.id, partition: facts.partition, offset: facts.offset };
}

function ErrorLine({ name, error }: { name: string; error: DeadLetterFacts['last'] }) {
  return (
    <p>
      {name}: <b>{error.code}</b> {error.message}
      {error.time === '' ? null : (
        <span className={classes.dim}> ({formatDateTime(Date.parse(error.time))})</span>
      )}
    </p>
  );
}

function Fact({ name, mono = false, children }: { name: string; mono?: boolean; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className={mono ? classes.mono : undefined}>{children}</dd>
    </>
  );
}
