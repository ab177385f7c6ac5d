import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';

/** When a producer's next item may leave. */
export type Pacing =
  /** As fast as its topics take it. */
  | { mode: 'full' }
  | { mode: 'rate'; perSecond: number }
  /** Each item's `dueMs` after the run's first start. A recording waits while the run is paused; a calendar does not. */
  | { mode: 'by-time'; waitsWhilePaused: boolean }
  /** Messages come from outside, as `ingested` inputs. */
  | { mode: 'pushed' };

export type ProducerOperator = {
  family: 'producer';
  pacing: Pacing;
  /** True when it goes on until the run is stopped, so that a run with it never completes by itself. */
  endless: boolean;
  /** Path into the payload that keys pushed messages; '' leaves it to the topic. */
  keyPath: string;
  eventType: string;
};

export type TopicOperator = {
  family: 'topic';
  partitions: number;
  keyPath: string;
  schemaId: string | null;
  schemaPolicy: 'reject' | 'dead-letter' | 'flag';
  /** Rule TP4; 0 means no limit. */
  retention: { ageMs: number; bytes: number; messages: number };
  cleanup: 'delete' | 'compact';
  tombstoneMs: number;
};

/** A module for the sandbox. The person's text begins on its first line, so that lines in errors are theirs. */
export type ModuleText = { code: string; timeoutMs: number; memoryMb: number };

export type ConsumerOperator = {
  family: 'consumer';
  /** Who performs its invocations: the sandbox, or a sink of the driver. */
  runtime: 'sandbox' | 'file' | 'log';
  module: ModuleText | null;
  /** May use `ctx.state`. */
  keepsState: boolean;
  /**
   * Emits the message it was given, not one of its own making: payload, time, subject and extensions are taken from the
   * handled message, so that a number that JavaScript cannot hold exactly passes unharmed.
   */
  passesThrough: boolean;
};

export type Operator = ProducerOperator | TopicOperator | ConsumerOperator;

/** What the core knows of a node kind, read off one node's configuration. */
export type OperatorOf<Kind extends NodeKind> = (node: FlowNodeOf<Kind>) => Operator;
