import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from './codes.ts';

/** The wire and storage form of an error: what a person needs to act on it, and nothing of the host it happened on. */
export const errorDataSchema = z.object({
  code: z.enum(ERROR_CODES),
  /** One sentence that says what happened and, where it can, what to do. */
  message: z.string(),
  /** Facts for programs: limits, paths, names. */
  details: z.record(z.string(), z.unknown()).optional(),
  /** True when the same call may succeed later without a change by the caller. */
  retryable: z.boolean().optional(),
});
export type ErrorData = z.infer<typeof errorDataSchema>;

export type WorkbenchErrorOptions = {
  details?: Record<string, unknown>;
  retryable?: boolean;
  cause?: unknown;
};

/** The one error class of Millrace. Anything else that is thrown is a broken invariant. */
export class WorkbenchError extends Error {
  override readonly name = 'WorkbenchError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: WorkbenchErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryable = options.retryable ?? false;
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.details ? { details: this.details } : {}),
      ...(this.retryable ? { retryable: true } : {}),
    };
  }

  static fromData(data: ErrorData): WorkbenchError {
    return new WorkbenchError(data.code, data.message, {
      ...(data.details ? { details: data.details } : {}),
      ...(data.retryable ? { retryable: true } : {}),
    });
  }
}

/** Wraps whatever was thrown; a WorkbenchError passes as it is. */
export function toWorkbenchError(thrown: unknown, code: ErrorCode = 'INTERNAL'): WorkbenchError {
  if (thrown instanceof WorkbenchError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new WorkbenchError(code, message, { cause: thrown });
}
