import type { Span, TraceModel } from '@millrace/shared/trace/spans.ts';

/** One message of a trace and what handling it caused. */
export type MessageBranch = {
  messageId: string;
  messageType: string;
  key: string | null;
  depth: number;
  /** The way of the message into its topics; more than one when it was also dead-lettered. */
  sends: Span[];
  /** Attempts at it, by consumer, in order. */
  attempts: Span[];
};

/** Messages by causation: each is followed by those that were emitted while it was handled. */
export function messageTree(model: TraceModel): MessageBranch[] {
  const branches = new Map<string, MessageBranch>();
  const causes = new Map<string, string | null>();
  for (const span of model.spans) {
    let branch = branches.get(span.messageId);
    if (!branch) {
      const { messageId, messageType, key } = span;
      branch = { messageId, messageType, key, depth: 0, sends: [], attempts: [] };
      branches.set(messageId, branch);
    }
    // A dead letter keeps its message's id and cause; any other span of the message names the same cause.
    if (!causes.get(span.messageId)) causes.set(span.messageId, span.causationId);
    (span.operation === 'send' ? branch.sends : branch.attempts).push(span);
  }
  const children = Map.groupBy(branches.values(), (branch) => {
    const cause = causes.get(branch.messageId) ?? null;
    return cause !== null && branches.has(cause) && cause !== branch.messageId ? cause : null;
  });
  const ordered: MessageBranch[] = [];
  const seen = new Set<string>();
  const pending = (children.get(null) ?? []).map((branch) => ({ branch, depth: 0 })).reverse();
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (seen.has(next.branch.messageId)) continue;
    seen.add(next.branch.messageId);
    const depth = next.depth;
    ordered.push({ ...next.branch, depth });
    const below = children.get(next.branch.messageId) ?? [];
    for (const branch of below.toReversed()) pending.push({ branch, depth: depth + 1 });
  }
  return ordered;
}
