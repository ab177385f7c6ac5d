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
  /**
   * Who performs its invocations: the sandbox, a sink of the driver, or (`native`) a pure function of our own, which
   * every driver runs as it is.
   */
  runtime: 'sandbox' | 'native' | 'file' | 'log' | 'call' | 'database';
  module: ModuleText | null;
  /** May use `ctx.state`. */
  keepsState: boolean;
  /**
   * Whose state a message sees: its key's, wherever messages of that key come from; its key's within its partition, which
   * no two invocations have at the same time; or its partition's. Messages without a key share that of their partition.
   */
  stateScope: 'key' | 'key-in-partition' | 'partition';
  /** Handles no more than this, over all its partitions; null for as fast as it can. */
  pacing: { perSecond: number; burst: number } | null;
  /**
   * Emits the message it was given, not one of its own making: payload, time, subject and extensions are taken from the
   * handled message, so that a number that JavaScript cannot hold exactly passes unharmed.
   */
  passesThrough: boolean;
  /**
   * What goes to an output without a connection is dropped, and traced as such, because the drawing alone says where
   * the node sends it. Code that names such an output has made a mistake: its attempt fails.
   */
  outputsMayBeOpen: boolean;
  /** Why a message goes no further when its attempt emits nothing; null where that is nothing to speak of. */
  droppedWhenSilent: string | null;
};

export type Operator = ProducerOperator | TopicOperator | ConsumerOperator;

/** What the core knows of a node kind, read off one node's configuration. */
export type OperatorOf<Kind extends NodeKind> = (node: FlowNodeOf<Kind>) => Operator;
