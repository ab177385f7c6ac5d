import type { NodeFamily } from '@millrace/shared/flow/records/kind.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import type { NodeCondition, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { backlogSentence, type FillTone, fillTone, fullnessOf } from './backlog.ts';
import { compactNumber, exactNumber, formatRate } from './format.ts';
import { isActive, type LiveRun } from './liveRun.ts';

export type BadgeTone = 'plain' | 'soft' | 'warning' | 'error';
/** One figure on a node. `value` is exact; `text` is what fits. A quiet badge is in the page for readers of values, but not shown. */
export type Badge = {
  name: string;
  label: string;
  text: string;
  value: number;
  title: string;
  tone: BadgeTone;
  quiet: boolean;
  /** What is not always there has a row of its own, so that it does not push what is. */
  place: 'first row' | 'second row';
  /** The tab that says more; the badge is a button to it. */
  opens?: 'dead-letters';
};
export type ConditionLine = { state: NodeCondition['state']; text: string; title: string; tone: BadgeTone };
export type NodeFace = { badges: Badge[]; condition: ConditionLine | null };

/** Above this rate the number in flight changes faster than it can be read. */
const IN_FLIGHT_RATE_MAX = 2;

/** What a node shows of the watched run; null when the run does not know the node (it was drawn afterwards). */
export function nodeFace(live: LiveRun, nodeId: string, nowMs: number = performance.now()): NodeFace | null {
  const kind = live.graph?.nodes.get(nodeId)?.kind;
  const counters = live.metrics.latest?.nodes[nodeId] ?? live.summary?.counters[nodeId];
  if (!kind || !counters) return null;
  const family = familyOf(kind);
  const condition = live.metrics.latest?.conditions[nodeId];
  const badges = [
    ...mainBadges(live, family, nodeId, counters, nowMs),
    ...troubleBadges(family, counters, condition),
  ];
  return { badges, condition: condition ? conditionLine(condition, family, live) : null };
}

function mainBadges(
  live: LiveRun,
  family: NodeFamily,
  nodeId: string,
  counters: NodeCounters,
  nowMs: number,
): Badge[] {
  const { metrics } = live;
  switch (family) {
    case 'producer':
      return [
        count('out', 'out', counters.out, 'messages acknowledged'),
        rateBadge(metrics.rate(nodeId, 'out', nowMs), 'messages acknowledged per second'),
      ];
    case 'topic':
      return [
        count('in', 'in', counters.in, 'messages appended'),
        rateBadge(metrics.rate(nodeId, 'in', nowMs), 'messages appended per second'),
        lagBadge(live, nodeId),
      ];
    case 'consumer': {
      const inFlight = metrics.latest?.conditions[nodeId]?.inFlight ?? 0;
      const rate = metrics.rate(nodeId, 'in', nowMs);
      return [
        count('in', 'in', counters.in, `messages finished, ${exactNumber(inFlight)} in flight`),
        { ...count('out', 'out', counters.out, 'messages sent on'), quiet: counters.out === 0 },
        rateBadge(rate, 'messages finished per second'),
        {
          ...count('inFlight', 'in flight', inFlight, 'messages being handled'),
          tone: 'soft',
          // While messages pass through it would only flicker; it matters when one is stuck.
          quiet: inFlight === 0 || rate > IN_FLIGHT_RATE_MAX,
          place: 'second row',
        },
      ];
    }
  }
}

type Trouble = {
  name: keyof NodeCounters;
  label: string;
  meaning: string;
  tone: BadgeTone;
  hasError?: true;
  opens?: 'dead-letters';
};

/** What can go wrong or be left out, worst first. */
const TROUBLES: Readonly<Record<NodeFamily, readonly Trouble[]>> = {
  producer: [
    {
      name: 'dropped',
      label: 'dropped',
      meaning: 'messages left out because a reader was full',
      tone: 'error',
    },
    rejected(),
  ],
  topic: [
    rejected(),
    {
      ...deadLettered(),
      meaning: 'messages that do not fit the schema, among the dead letters',
      hasError: true,
    },
    {
      name: 'flagged',
      label: 'flagged',
      meaning: 'messages appended that do not fit the schema',
      tone: 'warning',
      hasError: true,
    },
    { name: 'expired', label: 'expired', meaning: 'messages deleted by the clean-up', tone: 'soft' },
    { name: 'redriven', label: 'redriven', meaning: 'dead letters sent back', tone: 'soft' },
  ],
  consumer: [
    // First, because it can be pressed: in the middle it would lie under the port below.
    deadLettered(),
    {
      name: 'failed',
      label: 'failed',
      meaning: 'attempts that did not end well',
      tone: 'error',
      hasError: true,
    },
    {
      name: 'dropped',
      label: 'lost',
      meaning: 'messages lost: committed first, then cut short',
      tone: 'error',
    },
    { name: 'retried', label: 'retried', meaning: 'attempts scheduled again', tone: 'warning' },
    { name: 'skipped', label: 'skipped', meaning: 'messages given up on and skipped', tone: 'warning' },
    rejected(),
    { name: 'expired', label: 'expired', meaning: 'messages deleted before they were read', tone: 'warning' },
    { name: 'deduplicated', label: 'dup', meaning: 'duplicates passed over', tone: 'soft' },
  ],
};

function rejected(): Trouble {
  return {
    name: 'rejected',
    label: 'rejected',
    meaning: 'messages refused before anything was written',
    tone: 'error',
    hasError: true,
  };
}

function deadLettered(): Trouble {
  return {
    name: 'deadLettered',
    label: 'dead',
    meaning: 'messages dead-lettered. Press to see why, and to send them back',
    tone: 'error',
    opens: 'dead-letters',
  };
}

/** More do not fit on a node; the rest is summed up, and in Metrics. */
const TROUBLES_SHOWN_MAX = 3;

/** The last error (HD3) is read on the figures it counts towards, while the node works and after the run. */
function troubleBadges(
  family: NodeFamily,
  counters: NodeCounters,
  condition: NodeCondition | undefined,
): Badge[] {
  const lastError = condition?.code === undefined ? '' : errorSentence(condition);

  const present = TROUBLES[family].filter(({ name }) => counters[name] > 0);
  const left = present.slice(TROUBLES_SHOWN_MAX);
  const badges = TROUBLES[family].map(({ name, label, meaning, tone, hasError, opens }): Badge => {
    const badge = count(name, label, counters[name], meaning);
    return {
      ...badge,
      title: hasError && lastError !== '' ? `${badge.title}\nLast error: ${lastError}` : badge.title,
      tone,
      quiet: counters[name] === 0 || left.some((other) => other.name === name),
      place: 'second row',
      ...(opens ? { opens } : {}),
    };
  });
  const title = left.map(({ name, label }) => `${exactNumber(counters[name])} ${label}`).join('\n');
  return [
    ...badges,
    {
      ...count('more', 'more', left.length, 'more figures'),
      text: `+${left.length}`,
      title,
      tone: 'soft',
      quiet: left.length === 0,
      place: 'second row',
    },
  ];
}

function count(name: string, label: string, value: number, meaning: string): Badge {
  return {
    name,
    label,
    text: compactNumber(value),
    value,
    title: `${exactNumber(value)} ${meaning}`,
    tone: 'plain',
    quiet: false,
    place: 'first row',
  };
}

function rateBadge(perSecond: number, meaning: string): Badge {
  return {
    name: 'rate',
    label: '',
    text: shortRate(perSecond),
    value: Math.round(perSecond * 10) / 10,
    title: `${formatRate(perSecond)}: ${meaning}, mean of the last two seconds`,
    tone: 'soft',
    quiet: perSecond <= 0,
    place: 'first row',
  };
}

/** Beside a large count and a large lag there is room for four digits nowhere; the title has them. */
function shortRate(perSecond: number): string {
  const isLong = perSecond >= 1000 && perSecond < 10_000;
  return isLong ? `${(Math.trunc(perSecond / 100) / 10).toFixed(1)}k/s` : formatRate(perSecond);
}

const LAG_TONES: Record<FillTone, BadgeTone> = { calm: 'soft', filling: 'warning', full: 'error' };

/** Of the reader that is furthest behind: a sum over readers would say nothing about any of them. */
function lagBadge(live: LiveRun, topicId: string): Badge {
  const lines: string[] = [];
  let lag = 0;
  let fullness = 0;
  for (const edge of live.graph?.outgoing.get(topicId) ?? []) {
    const progress = live.metrics.latest?.subscriptions[edge.id];
    const behind = progress?.lag ?? 0;
    const held = progress ? ` (${backlogSentence(progress)})` : '';
    lines.push(`${live.nodeName(edge.target)} is ${exactNumber(behind)} behind${held}`);
    lag = Math.max(lag, behind);
    if (progress) fullness = Math.max(fullness, fullnessOf(progress));
  }
  return {
    name: 'lag',
    label: 'lag',
    text: compactNumber(lag),
    value: lag,
    title: lines.length === 0 ? 'Nobody reads this topic' : lines.join('\n'),
    tone: LAG_TONES[fillTone(fullness)],
    quiet: lag === 0,
    place: 'first row',
  };
}

function conditionLine(condition: NodeCondition, family: NodeFamily, live: LiveRun): ConditionLine | null {
  const { state, reason = '' } = condition;
  switch (state) {
    case 'idle':
    case 'active':
      return null;
    case 'failing':
      return {
        state,
        // What a producer or a topic refuses says so itself.
        text: family === 'consumer' ? `failing: ${reason}` : reason,
        title: errorSentence(condition),
        tone: 'error',
      };
    case 'waiting-retry':
      return {
        state,
        text: reason === '' ? 'waiting to retry' : `waiting to retry: ${reason}`,
        title: errorSentence(condition),
        tone: 'warning',
      };
    case 'blocked':
      return {
        state,
        text: reason === '' ? 'blocked' : `blocked: ${reason}`,
        title: reason,
        tone: 'warning',
      };
    case 'failed':
      return {
        state,
        text: reason === '' ? 'failed' : `failed: ${reason}`,
        title: errorSentence(condition),
        tone: 'error',
      };
    case 'finished':
      // When the run is over everything is finished; only a producer that is done before says something new.
      if (family !== 'producer' || !isActive(live.status)) return null;
      return {
        state,
        text: 'finished',
        title: reason === '' ? 'It has nothing more to produce.' : reason,
        tone: 'soft',
      };
  }
}

function errorSentence({ code, reason = '' }: NodeCondition): string {
  return code === undefined ? reason : `${code}: ${reason}`;
}
