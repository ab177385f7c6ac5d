import type { Message } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../../io.ts';
import type { OpenAppend, TopicRuntime } from '../consumer.ts';
import type { Core } from '../core.ts';
import { count } from '../counters.ts';
import { appendMessage } from '../groups.ts';
import { faultsOfKind, fired, firedAt, meetsTopic, strikes } from './fault.ts';
import type { FaultRuntime } from './faultRuntime.ts';

/** What faults do where messages are appended. */

/** Appends a message that comes from a node, along the edge that leads from there to the topic. */
export function appendAlongEdge(
  core: Core,
  node: string,
  topic: TopicRuntime,
  partition: number,
  message: Message,
): OpenAppend {
  if (core.faults.size === 0) return appendMessage(core, topic, partition, message);
  const place = { topic: topic.planned.topic, partition, offset: -1 };
  let sent = message;
  for (const fault of onEdge(core, 'corrupt', node, topic)) {
    if (!strikes(core, fault)) continue;
    sent = { ...sent, data: mangled(sent.data) };
    fired(core, fault, node, message, place);
  }
  const append = appendMessage(core, topic, partition, sent);
  for (const fault of onEdge(core, 'duplicate', node, topic)) {
    if (!strikes(core, fault)) continue;
    appendMessage(core, topic, partition, sent);
    count(core, topic.counter).in++;
    fired(core, fault, node, message, place);
  }
  return append;
}

function onEdge(
  core: Core,
  kind: 'corrupt' | 'duplicate',
  node: string,
  topic: TopicRuntime,
): FaultRuntime[] {
  return faultsOfKind(core, kind).filter(({ spec }) =>
    core.plan.publishEdges.some(
      (edge) =>
        edge.edgeId === spec.target.edgeId && edge.node === node && edge.topic === topic.planned.topic,
    ),
  );
}

/** Half of the text is gone. It is still JSON, as every payload is, but not what anybody sent. */
function mangled(data: string): string {
  return JSON.stringify({ corrupted: data.slice(0, Math.ceil(data.length / 2)) });
}

/** Why a topic takes nothing now, or null. */
export function appendRefusal(core: Core, topic: TopicRuntime, partition: number | null): EngineError | null {
  for (const fault of faultsOfKind(core, 'refuse-appends')) {
    // Who does not know the partition yet waits when any of them refuses.
    if (!meetsTopic(fault, topic, partition ?? fault.spec.target.partition ?? 0) || !strikes(core, fault))
      continue;
    const place = { topic: topic.planned.topic, partition: partition ?? -1, offset: -1 };
    firedAt(core, fault, topic.planned.topic, place, 'an append was refused');
    return {
      code: 'APPEND_REFUSED',
      message: `${topic.planned.name} refuses appends, because of a fault that was injected (${fault.id}).`,
    };
  }
  return null;
}

/** Appends landed, but whoever made them does not hear of it and makes them again, once, under the same ids. */
export function repeatUnheard(core: Core, { topic, append }: OpenAppend): void {
  for (const fault of faultsOfKind(core, 'lost-acks')) {
    if (!meetsTopic(fault, topic, append.partition) || !strikes(core, fault)) continue;
    for (const message of append.messages) {
      if (core.repeated.has(message)) continue;
      core.repeated.add(message);
      appendMessage(core, topic, append.partition, message);
      count(core, topic.counter).in++;
      const place = { topic: topic.planned.topic, partition: append.partition, offset: -1 };
      fired(core, fault, topic.planned.topic, message, place);
    }
  }
}
