/** Every limit of the gateway in one place; what happens at each is said where it is used. */

export const ACTIVE_RUNS_MAX = 8;
export const NOTICES_PER_RUN_MAX = 100;
/** Counters of a running run are saved this often; the engine's own are exact without it. */
export const RUN_SAVE_INTERVAL_MS = 5000;
export const SAVE_RETRY_MS = 1000;

/** Pages per second: metrics and log lines go out at this pace, whatever a run says. */
export const FRAMES_PER_SECOND_MAX = 10;
/** Packets that may wait for a page's connection before it counts as slow. */
export const PACKETS_WAITING_MAX = 8;
/** Live frames that wait for a page that is behind, so that a page busy for a moment misses nothing: under a second's worth. */
export const WAITING_FRAMES_MAX = 16;
/** Live frames kept for a page that is still reading what it missed. */
export const HELD_FRAMES_MAX = 32;
/** Whatever their number, live frames that wait for one page take no more than this. */
export const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** While so much is sent and not acknowledged, nothing more is sent. A frame has 1 MiB at most, so 3 MiB are on their way. */
export const UNACKNOWLEDGED_BYTES_MAX = 2 * 1024 * 1024;
export const RESUME_RECORDS_MAX = 50_000;
export const RESUME_RECORDS_PER_READ = 4000;
export const LOG_LINES_KEPT = 500;
export const LOG_LINES_PER_TICK_MAX = 200;
export const WATCHED_RUNS_PER_CLIENT_MAX = 16;
export const OPEN_FLOWS_PER_CLIENT_MAX = 16;

export const SOCKET_MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
export const REQUESTS_WAITING_PER_CLIENT_MAX = 256;
export const LIST_CHANGED_DELAY_MS = 150;

export const READERS_OPEN_MAX = 32;
export const READER_IDLE_MS = 30_000;

/** Above the largest `messageBytesMax` a flow may set, so that the engine's own sentence is the answer. */
export const INGEST_BODY_BYTES_MAX = 17 * 1024 * 1024;
export const INGEST_BATCH_MESSAGES_MAX = 1000;
/** Bodies being read or waiting for the disk, all together. */
export const INGEST_BYTES_IN_FLIGHT_MAX = 128 * 1024 * 1024;
/** Dead letters that are looked at when they are grouped by cause; older ones are only counted. */
export const DEAD_LETTERS_READ_MAX = 50_000;
export const API_BODY_BYTES_MAX = 16 * 1024 * 1024;
export const UPLOAD_BYTES_MAX = 1024 * 1024 * 1024;
export const EXPORT_PAGE_MESSAGES = 500;
export const EXPORT_PAGE_BYTES = 4 * 1024 * 1024;
