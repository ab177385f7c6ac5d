/** Every way Millrace can refuse or fail. The union is closed: mapping it (to a status code, to a sentence) is checked by the compiler. */
export const ERROR_CODES = [
  // flow documents
  'FLOW_UNREADABLE',
  'FLOW_INVALID',
  'FLOW_TOO_NEW',
  'FLOW_NOT_FOUND',
  'FLOW_CONFLICT',
  'FLOW_IN_USE',
  // runs
  'RUN_NOT_FOUND',
  'RUN_NOT_ACTIVE',
  'RUN_TRANSITION_REFUSED',
  'RUN_PROCESS_DIED',
  'RUN_LIMIT_REACHED',
  'GROUP_NOT_PAUSED',
  'GROUP_NOT_FOUND',
  'FAULT_INVALID',
  'FAULT_NOT_FOUND',
  'REDRIVE_NOT_FOUND',
  'REPLACEMENT_REFUSED',
  // messages and topics
  'MESSAGE_TOO_LARGE',
  'MESSAGE_INVALID',
  'PAYLOAD_INVALID',
  'TOPIC_NOT_FOUND',
  'OFFSET_OUT_OF_RANGE',
  'BACKLOG_FULL',
  'APPEND_REFUSED',
  'OFFSET_DELETED',
  // handler code
  'HANDLER_COMPILE_FAILED',
  'HANDLER_THREW',
  'HANDLER_FAILED',
  'HANDLER_TIMED_OUT',
  'HANDLER_OUT_OF_MEMORY',
  'HANDLER_CRASHED',
  'FAULT_INJECTED',
  'EMIT_TARGET_UNKNOWN',
  'EMIT_LIMIT_REACHED',
  'STATE_LIMIT_REACHED',
  // producers and sinks
  'SOURCE_NOT_FOUND',
  'SOURCE_UNREADABLE',
  'TEMPLATE_INVALID',
  'CRON_INVALID',
  'SINK_FAILED',
  // storage and brokers
  'BROKER_CLOSED',
  'STORAGE_FULL',
  'STORAGE_CORRUPT',
  'STORAGE_FAILED',
  'DATA_FOLDER_LOCKED',
  // the wire
  'PROTOCOL_MISMATCH',
  'REQUEST_INVALID',
  'REQUEST_UNKNOWN',
  'ORIGIN_REFUSED',
  'NOT_FOUND',
  'TIMED_OUT',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
