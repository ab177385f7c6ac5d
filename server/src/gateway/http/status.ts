import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

/** Which HTTP status says each code. A new code without one does not compile. */
const STATUS: Record<ErrorCode, number> = {
  FLOW_UNREADABLE: 400,
  FLOW_INVALID: 422,
  FLOW_TOO_NEW: 422,
  FLOW_NOT_FOUND: 404,
  FLOW_CONFLICT: 409,
  FLOW_IN_USE: 409,
  RUN_NOT_FOUND: 404,
  RUN_NOT_ACTIVE: 404,
  RUN_TRANSITION_REFUSED: 409,
  RUN_PROCESS_DIED: 503,
  RUN_LIMIT_REACHED: 429,
  MESSAGE_TOO_LARGE: 413,
  MESSAGE_INVALID: 400,
  PAYLOAD_INVALID: 422,
  TOPIC_NOT_FOUND: 404,
  OFFSET_OUT_OF_RANGE: 416,
  BACKLOG_FULL: 429,
  HANDLER_COMPILE_FAILED: 422,
  HANDLER_THREW: 500,
  HANDLER_FAILED: 500,
  HANDLER_TIMED_OUT: 500,
  HANDLER_OUT_OF_MEMORY: 500,
  HANDLER_CRASHED: 500,
  EMIT_TARGET_UNKNOWN: 500,
  EMIT_LIMIT_REACHED: 500,
  STATE_LIMIT_REACHED: 500,
  SOURCE_NOT_FOUND: 422,
  SOURCE_UNREADABLE: 422,
  TEMPLATE_INVALID: 422,
  CRON_INVALID: 422,
  SINK_FAILED: 500,
  BROKER_CLOSED: 503,
  STORAGE_FULL: 507,
  STORAGE_CORRUPT: 500,
  STORAGE_FAILED: 500,
  DATA_FOLDER_LOCKED: 503,
  PROTOCOL_MISMATCH: 400,
  REQUEST_INVALID: 400,
  REQUEST_UNKNOWN: 404,
  ORIGIN_REFUSED: 403,
  NOT_FOUND: 404,
  TIMED_OUT: 504,
  INTERNAL: 500,
};

const SERVICE_UNAVAILABLE = 503;

/** A run that is not active *now* but may be again is unavailable, not missing. */
export function httpStatusOf(error: WorkbenchError): number {
  return error.code === 'RUN_NOT_ACTIVE' && error.retryable ? SERVICE_UNAVAILABLE : STATUS[error.code];
}
