import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { type FlowGraph, graphOf } from '@millrace/shared/flow/graph.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import { NOTICES_MAX } from './limits.ts';
import { LogBuffer } from './logBuffer.ts';
import { MetricsHistory } from './metricsHistory.ts';
import { Ring } from './ring.ts';
import { Signal } from './signal.ts';
import { TraceTail } from './traceTail.ts';

/** Everything this tab knows of one run: created when the run is watched, dropped with it. Plain data, no React. */
export class LiveRun {
  readonly runId: string;
  readonly metrics = new MetricsHistory();
  readonly tail = new TraceTail();
  readonly logs = new LogBuffer();
  readonly notices = new Ring<RunNotice>(NOTICES_MAX);
  /** Told of a new summary, document or notice. */
  readonly changed = new Signal();
  #summary: RunSummary | null = null;
  #graph: FlowGraph | null = null;

  constructor(runId: string) {
    this.runId = runId;
  }

  get summary(): RunSummary | null {
    return this.#summary;
  }

  /** The version that runs, which may differ from the draft on the canvas; null until it is loaded. */
  get graph(): FlowGraph | null {
    return this.#graph;
  }

  get status(): RunStatus | null {
    return this.#summary?.status ?? null;
  }

  setSummary(summary: RunSummary): void {
    this.#summary = summary;
    this.changed.bump();
  }

  setDocument(document: FlowDocument): void {
    this.#graph = graphOf(document);
    this.changed.bump();
  }

  addNotice(notice: RunNotice): void {
    this.notices.push(notice);
    this.changed.bump();
  }

  nodeName(nodeId: string): string {
    return this.#graph?.nodes.get(nodeId)?.name ?? automaticTopicName(this.#graph, nodeId) ?? nodeId;
  }
}

/** Where a consumer without a dead-letter edge parks what it gave up on: a topic of its own, named after the node. */
export const DEAD_LETTER_SUFFIX = '.dead-letters';

function automaticTopicName(graph: FlowGraph | null, topicId: string): string | null {
  if (!topicId.endsWith(DEAD_LETTER_SUFFIX)) return null;
  const owner = topicId.slice(0, -DEAD_LETTER_SUFFIX.length);
  return `${graph?.nodes.get(owner)?.name ?? owner} dead letters`;
}

/** Status first from the metrics stream, which is newer while the run goes; a finished run only has its summary. */
export function isActive(status: RunStatus | null): boolean {
  return status !== null && !isFinalRunStatus(status);
}
