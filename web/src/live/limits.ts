/** Every bound of the live half of the page. What falls out at a bound is counted and shown (rule TR3). */

/** Trace frames that wait to be taken in. The server sends fewer at a time; a line that came back may add some. */
export const QUEUED_FRAMES_MAX = 16;
/** Trace records are taken in for so long per animation frame, looking at the time after so many. */
export const SLICE_MS = 5;
export const SLICE_RECORDS = 250;
/** Traces summarised from the live tail; the oldest started goes first. */
export const LIVE_TRACES_MAX = 2_000;
/** Message ids kept per live trace, so that a search finds a trace by one of its messages. */
export const TRACE_MESSAGE_IDS_MAX = 64;
export const LOG_LINES_MAX = 5_000;
export const NOTICES_MAX = 200;

/** Rates are means over this long. */
export const RATE_WINDOW_MS = 2_000;
/** Snapshots kept for rates; a bound for a server that sends faster than it should. */
export const RATE_SNAPSHOTS_MAX = 64;
/** A snapshot older than this says nothing about the rate now. */
export const RATE_STALE_MS = 4_000;
/** Charts show ten minutes, one sample each half second. */
export const METRICS_SAMPLE_MS = 500;
export const METRICS_SAMPLES_MAX = 1_200;
/** Nodes and subscriptions with a history of their own: 1,200 samples of three counters are 29 kB. */
export const METRICS_SERIES_MAX = 2_000;

/** Listeners hear of changes at most this often: the eye does not follow faster, and React need not. */
export const NOTIFY_INTERVAL_MS = 100;
