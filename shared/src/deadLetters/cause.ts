import type { Message } from '../message/message.ts';

/** Attributes of dead letters, rule DL4. */
export type DeadLetterFacts = {
  /** The consumer group that gave up. */
  nodeId: string;
  errorCode: string;
  error: string;
  topicName: string;
  partition: number;
  offset: number;
  id: string;
  attempts: number;
  /** How often it has been sent back. */
  redrives: number;
};

/** What a dead letter says about itself; null for a message that is none. */
export function deadLetterFacts({ extensions }: Pick<Message, 'extensions'>): DeadLetterFacts | null {
  if (extensions === undefined || typeof extensions.dlgroup !== 'string') return null;
  const text = (name: string): string => String(extensions[name] ?? '');
  const number = (name: string): number => Number(extensions[name] ?? 0);
  return {
    nodeId: extensions.dlgroup,
    errorCode: text('dllasterrorcode'),
    error: text('dllasterror'),
    topicName: text('dltopic'),
    partition: number('dlpartition'),
    offset: number('dloffset'),
    id: text('dlid'),
    attempts: number('dlattempts'),
    redrives: number('redrives'),
  };
}

const CAUSE_LENGTH_MAX = 200;

/**
 * Dead letters with the same cause failed at the same consumer with the same code and, apart from numbers, ids and quoted
 * values, the same first line of their last error.
 */
export function causeOf({ nodeId, errorCode, error }: DeadLetterFacts): string {
  return `${nodeId} ${errorCode} ${shapeOf(error)}`;
}

/** The first line of an error with what differs from message to message left out. */
export function shapeOf(error: string): string {
  const line = error.split('\n', 1)[0] as string;
  return line
    .replace(/"[^"]*"|'[^']*'|“[^”]*”/g, '…')
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '…')
    .replace(/\b[0-9a-f]{12,}\b/gi, '…')
    .replace(/-?\b\d+(\.\d+)?\b/g, '…')
    .slice(0, CAUSE_LENGTH_MAX);
}
