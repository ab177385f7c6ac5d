import { Anchor, Button } from '@mantine/core';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import type { Span, TraceModel } from '@millrace/shared/trace/spans.ts';
import { Crosshair, Inbox } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { formatBytes, formatClock, formatDurationMs, shortId } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { type RunReader, useWatch } from '../live/watch.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { JsonView } from '../ui/JsonView.tsx';
import { eventLabel } from './eventMarks.tsx';
import { classes } from './styles.ts';
import { spanDurationMs } from './waterfall.ts';

type Props = {
  live: LiveRun;
  reader: RunReader;
  model: TraceModel;
  span: Span;
  onSelect: (spanId: string) => void;
};

/** One step: who, what, when, how it ended, and the message it was about. */
export function SpanDetail({ live, reader, model, span, onSelect }: Props) {
  const { host } = useWatch();
  const selectMessage = useSelection((state) => state.selectMessage);
  const duration = spanDurationMs(span);
  const { topic } = span;
  const stored = topic !== null && span.offset >= 0;

  return (
    <aside className={classes.spanDetail} aria-label="Step" data-testid="span-detail">
      <h4 className={classes.spanTitle}>{span.name}</h4>
      <div className={classes.actions}>
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<Crosshair size={12} aria-hidden />}
          onClick={() => host.showNode(span.nodeId)}
        >
          {live.nodeName(span.nodeId)}
        </Button>
        {stored ? (
          <Button
            variant="default"
            size="compact-xs"
            leftSection={<Inbox size={12} aria-hidden />}
            onClick={() => {
              selectMessage({ topicId: topic, partition: span.partition, offset: span.offset });
              host.openTab('messages');
            }}
          >
            Show in Messages
          </Button>
        ) : null}
      </div>
      <SpanError span={span} />
      <dl className={classes.facts}>
        <Fact name="Started">
          {formatClock(span.startMs)} (+{formatDurationMs(span.startMs - model.startMs)})
        </Fact>
        <Fact name="Duration">{duration === null ? 'still running' : formatDurationMs(duration)}</Fact>
        {span.operation === 'process' ? <Fact name="Attempt">{span.attempt}</Fact> : null}
        {stored ? (
          <Fact name="Position">
            {live.nodeName(topic)}, partition {span.partition}, offset {span.offset}
          </Fact>
        ) : null}
        <Fact name="Message">
          <code title={span.messageId}>{shortId(span.messageId)}</code>
          <CopyButton text={span.messageId} label="Copy the message id" />
        </Fact>
        {span.key === null ? null : <Fact name="Key">{span.key}</Fact>}
        {span.causationId === null ? null : (
          <Fact name="Caused by">
            <code title={span.causationId}>{shortId(span.causationId)}</code>
            <CopyButton text={span.causationId} label="Copy the id of the cause" />
          </Fact>
        )}
        {span.links.map((link) => (
          <Fact key={link} name="Follows">
            <Anchor component="button" type="button" inherit onClick={() => onSelect(link)}>
              the attempt before
            </Anchor>
          </Fact>
        ))}
        {span.events
          .filter((event) => !FAILED_KINDS.has(event.kind))
          .map((event) => (
            <Fact key={`${event.kind} ${event.timeMs}`} name={eventLabel(event.kind)}>
              {formatClock(event.timeMs)}
              {event.detail === null
                ? ''
                : ` · ${event.kind === 'retry-scheduled' ? `in ${formatDurationMs(Number(event.detail))}` : event.detail}`}
            </Fact>
          ))}
      </dl>
      {stored ? (
        <Payload reader={reader} topicId={topic} partition={span.partition} offset={span.offset} />
      ) : null}
    </aside>
  );
}

const FAILED_KINDS = new Set<string>(['failed', 'timed-out', 'crashed', 'rejected']);

/** The error with the line of the user's code that it came from (HD3). */
function SpanError({ span }: { span: Span }) {
  if (span.errorMessage === null && span.errorCode === null) return null;
  const stack = span.events.find((event) => FAILED_KINDS.has(event.kind))?.detail ?? null;
  return (
    <section className={classes.error} aria-label="Error" data-testid="span-error">
      <b>{span.errorCode ?? span.status}</b>
      <p>{span.errorMessage}</p>
      {stack === null || stack === span.errorMessage ? null : <pre>{stack}</pre>}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

type PayloadProps = { reader: RunReader; topicId: string; partition: number; offset: number };

function Payload({ reader, topicId, partition, offset }: PayloadProps) {
  const [state, setState] = useState<{ message: BrowsedMessage | null } | { error: string } | null>(null);
  useEffect(() => {
    let dropped = false;
    setState(null);
    reader.getMessage({ topicId, partition, offset }).then(
      (answer) => {
        if (!dropped) setState({ message: answer.message });
      },
      (thrown: unknown) => {
        if (!dropped) setState({ error: toWorkbenchError(thrown).message });
      },
    );
    return () => {
      dropped = true;
    };
  }, [reader, topicId, partition, offset]);

  if (state === null) return <p className={classes.dim}>Reading the message…</p>;
  if ('error' in state) return <p role="alert">The message could not be read: {state.error}</p>;
  const { message } = state;
  if (!message) return <p className={classes.dim}>The message is no longer in its topic.</p>;
  return (
    <>
      <h5 className={classes.payloadTitle}>
        Payload <span className={classes.dim}>{formatBytes(message.bytes)}</span>
        <CopyButton text={message.data} label="Copy the payload" />
      </h5>
      {message.truncated ? <p className={classes.leftOut}>Cut: only the beginning is shown.</p> : null}
      <JsonView text={message.data} label="Payload" />
    </>
  );
}
