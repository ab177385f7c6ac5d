/** What is known of a live run when a change of its flow is weighed. What is missing is not mentioned. */
export type RunKnowledge = {
  /** Messages a consumer has not finished, by edge. */
  waiting: Readonly<Record<string, number>>;
  /** Messages a topic holds. */
  messages: Readonly<Record<string, number>>;
  /** Keys for which a handler keeps state. */
  keys: Readonly<Record<string, number>>;
  /** Timers a handler has set that are not over yet. */
  timers: Readonly<Record<string, number>>;
};

export const NOTHING_KNOWN: RunKnowledge = { waiting: {}, messages: {}, keys: {}, timers: {} };
