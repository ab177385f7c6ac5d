import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EngineEffect } from '../../../engine/io.ts';
import type { PlannedProducer } from '../../../engine/plan/plan.ts';
import type { VirtualCommand } from '../../virtualOptions.ts';
import { isMisfit } from '../generate/schema.ts';
import {
  type Checker,
  copiesAppended,
  countersOf,
  type Evidence,
  historyOf,
  parkedFrom,
  type Violation,
} from './evidence.ts';

type Reply = Extract<EngineEffect, { type: 'reply' }>;
type Request = {
  messages: Extract<VirtualCommand, { type: 'ingest' }>['messages'];
  reply: Reply | null;
  /** The process died, or the run was over, before it was answered. */
  cutOff: boolean;
  tookMs: number;
};

/** A request waits for room for ten seconds at most, of a clock that may jump by five, and then for its write. */
const REPLY_MS_MAX = 20_000;

/** Rules TP3, TP5 and TP6: a pushed request is taken whole or not at all, and its sender hears which. */
export const checkPushed: Checker = (evidence) =>
  evidence.run.plan.producers
    .filter(({ kind }) => kind === 'http')
    .flatMap((producer) => {
      const requests = requestsOf(evidence, producer);
      const found = placesOf(evidence, producer);
      return [
        ...requests.flatMap((request) => checkRequest(evidence, producer, request, found)),
        ...checkTotals(evidence, producer, requests, found),
      ];
    });

function requestsOf({ testimony }: Evidence, { node }: PlannedProducer): Request[] {
  const requests: Request[] = [];
  const open = new Map<number, { request: Request; atMs: number }>();
  for (const event of testimony.events) {
    if (event.type === 'asked' && event.command.type === 'ingest' && event.command.producer === node) {
      const request: Request = { messages: event.command.messages, reply: null, cutOff: false, tookMs: 0 };
      requests.push(request);
      open.set(event.requestId, { request, atMs: event.atMs });
    } else if (event.type === 'answered') {
      const own = open.get(event.requestId);
      open.delete(event.requestId);
      if (!own || event.answer.type !== 'reply') continue;
      own.request.reply = event.answer;
      own.request.tookMs = event.atMs - own.atMs;
    } else if (event.type === 'restart') {
      for (const { request } of open.values()) request.cutOff = true;
      open.clear();
    }
  }
  return requests;
}

/** Message id → how many of the producer's topics have it, or have put it among their dead letters, and how often in all. */
function placesOf(evidence: Evidence, { node, source, topics }: PlannedProducer): Map<string, number> {
  const found = new Map<string, number>();
  for (const topic of topics) {
    const kept = historyOf(evidence, topic).filter(
      ({ message }) => message.source === source && message.extensions?.redriveto === undefined,
    );
    const ids = [
      ...kept.map(({ message }) => message.id),
      ...parkedFrom(evidence, source, topic).map(({ id }) => id),
    ];
    const times = new Map<string, number>();
    for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
    const copies = copiesAppended(evidence, node, topic);
    for (const [id, count] of times) found.set(id, (found.get(id) ?? 0) + Math.ceil(count / copies));
  }
  return found;
}

function checkRequest(
  evidence: Evidence,
  producer: PlannedProducer,
  { messages, reply, cutOff, tookMs }: Request,
  found: Map<string, number>,
): Violation[] {
  const { node, topics, whenFull } = producer;
  const first = messages[0]?.id;
  const present = messages.map(({ id }) => found.get(id) ?? 0);
  const isWhole = present.every((times) => times === topics.length);
  const isAbsent = present.every((times) => times === 0);
  if (reply === null) {
    if (!cutOff) return [`[TP6] ${node} has never answered the request of ${first}`];
    return isWhole || isAbsent ? [] : [`[RN3] ${node} has taken a part of the request of ${first}`];
  }
  const violations: Violation[] = [];
  if (tookMs > REPLY_MS_MAX) violations.push(`[TP6] ${node} took ${tookMs} ms to answer ${first}`);
  if (!reply.ok) {
    const { code } = reply.error;
    if (!isAbsent) violations.push(`[TP6] ${node} has refused the request of ${first} (${code}) and kept it`);
    if (code === 'BACKLOG_FULL' && whenFull === 'drop')
      violations.push(`[TP6] ${node} is to drop and has refused ${first} (${code})`);
    if (code === 'PAYLOAD_INVALID' && !messages.some(({ data }) => isMisfit(JSON.parse(data))))
      violations.push(`[TP5] ${node} has refused ${first}, all of which fits`);
    return violations;
  }
  if (reply.dropped > 0) {
    if (whenFull !== 'drop' || reply.dropped !== messages.length || !isAbsent)
      violations.push(`[TP6] ${node} (${whenFull}) says that it dropped ${reply.dropped} of ${first}`);
    return violations;
  }
  if (!isWhole) violations.push(`[TP3] ${node} has acknowledged ${first}, which is not all there`);
  for (const { id, topic, partition, offset } of reply.accepted) {
    const stored: StoredMessage | undefined = evidence.testimony.history.get(topic)?.[partition]?.[offset];
    if (stored?.message.id !== id)
      violations.push(
        `[TP3] ${node} has acknowledged ${id} at ${topic}/${partition}/${offset}, where it is not`,
      );
  }
  return violations;
}

function checkTotals(
  evidence: Evidence,
  { node }: PlannedProducer,
  requests: Request[],
  found: Map<string, number>,
): Violation[] {
  const { out, dropped, rejected } = countersOf(evidence, node);
  const violations: Violation[] = [];
  if (out !== found.size) violations.push(`[TR2] ${node} counts ${out} made, ${found.size} are there`);
  const told = { dropped: 0, refused: 0, unheard: 0 };
  for (const { reply, messages } of requests) {
    if (reply === null) told.unheard += messages.length;
    else if (reply.ok) told.dropped += reply.dropped;
    else if (reply.error.code === 'PAYLOAD_INVALID') told.refused++;
  }
  if (dropped < told.dropped || dropped > told.dropped + told.unheard)
    violations.push(`[TR2] ${node} counts ${dropped} dropped, ${told.dropped} were said to be`);
  // That a request was refused is answered at once, and counted with the next write.
  if (rejected > told.refused + told.unheard)
    violations.push(`[TR2] ${node} counts ${rejected} rejected, ${told.refused} were said to be`);
  return violations;
}
