/** Every limit of the core in one place. Reaching one slows its cause down or fails one attempt; it never loses anything. */

/** Deliveries and payload bytes of one invocation. */
export const INVOCATION_DELIVERIES_MAX = 256;
export const INVOCATION_BYTES_MAX = 1_048_576;
/** An invocation is sized so that it takes about this long; slow code is then seen, paused and stopped between messages. */
export const INVOCATION_TARGET_US = 50_000;
/** Deliveries of a node's first invocation, before its speed is known. */
export const INVOCATION_DELIVERIES_FIRST = 16;

/** Messages of one partition that are finished but not yet durable; the next invocation waits at the limit. */
export const LANE_UNACKNOWLEDGED_MAX = 1024;
/** Offsets past the committed one that can have been in flight when a process died. */
export const LANE_IN_FLIGHT_MAX = LANE_UNACKNOWLEDGED_MAX + INVOCATION_DELIVERIES_MAX;
/** Messages read ahead, for all partitions a node reads together and for one of them. */
export const WINDOW_MESSAGES_PER_NODE = 16_384;
export const WINDOW_MESSAGES_MAX = 2048;
export const WINDOW_MESSAGES_MIN = 16;
export const WINDOW_BYTES_PER_NODE = 33_554_432;
export const WINDOW_BYTES_MAX = 4_194_304;
export const WINDOW_BYTES_MIN = 65_536;

/** Items of one producer read ahead, its writes that are not yet durable, and messages made in one go. */
export const PREFETCH_ITEMS_MAX = 4096;
export const PREFETCH_BYTES_TARGET = 4_194_304;
/** What an item is taken to weigh until some were seen. */
export const ITEM_BYTES_GUESS = 16_384;
export const PREFETCH_SECONDS = 0.25;
export const PRODUCER_UNACKNOWLEDGED_MAX = 4096;
/** Pace is kept in steps of at least this long, so that 100,000 messages a second are 100 batches. */
export const PACE_STEP_MS = 10;
/** A producer that fell behind its rate catches up with at most this much of it at once. */
export const PACE_BURST_SECONDS = 0.5;
/** Messages without a key stay in one partition for at most this many (TP2). */
export const STICKY_MESSAGES_MAX = 64;
/** Messages of one pushed request, and pushed messages that wait to become durable. */
export const INGEST_MESSAGES_MAX = 10_000;
export const INGEST_UNACKNOWLEDGED_MAX = 20_000;

/** A pushed request waits at most this long for a reader that is full, and so many wait, with so much (TP6). */
export const INGEST_WAIT_MS_MAX = 10_000;
export const INGEST_WAITING_REQUESTS_MAX = 1000;
export const INGEST_WAITING_BYTES_MAX = 33_554_432;
/** Ends of writes of one partition whose byte position is kept while readers are behind; beyond it they are thinned out. */
export const BYTE_MARKS_MAX = 512;
/** What a message in the log is taken to weigh after a restart when storage does not say. */
export const STORED_BYTES_GUESS = 512;

/** How long a run waits, while it runs, before it cleans its topics up again (TP4). */
export const MAINTAIN_EVERY_MS = 5000;

/** Dead letters that one redrive reads at a time, redrives that are remembered, and dry runs at a time. */
export const REDRIVE_BATCH_MESSAGES = 256;
export const REDRIVE_BATCH_BYTES = 4_194_304;
export const REDRIVES_KEPT_MAX = 20;
export const REDRIVE_DRY_RUNS_MAX = 4;

/** A write is closed and the next one opened at these sizes. */
export const WRITE_MESSAGES_MAX = 4096;
export const WRITE_BYTES_MAX = 8_388_608;
/** Pause before a refused write, or a failed read of the log, is tried again. */
export const WRITE_RETRY_MS = 1000;
export const FETCH_RETRY_MS = 1000;
/** Pause before a producer tries a topic again that refuses appends. */
export const APPEND_RETRY_MS = 100;
export const FETCH_ATTEMPTS_MAX = 5;

/** A run that is stopped hands on what its topics hold for at most this long. */
export const DRAIN_MS_MAX = 5000;

export const EMITS_PER_ATTEMPT_MAX = 10_000;
export const STATE_ENTRIES_PER_NODE_MAX = 100_000;
export const STATE_ENTRIES_PER_SCOPE_MAX = 1000;
export const STATE_VALUE_LENGTH_MAX = 262_144;
export const TIMERS_PER_NODE_MAX = 100_000;
export const TIMER_DELAY_MS_MAX = 31_536_000_000;

/** A node says that it fails until it has gone this long without another error. */
export const TROUBLE_SHOWN_MS = 5000;

/** What of an error is kept in traces, dead letters and durable attempt entries. */
export const ERROR_TEXT_LENGTH_MAX = 1024;
export const ERROR_STACK_LENGTH_MAX = 4096;
