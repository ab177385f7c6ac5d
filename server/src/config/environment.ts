import { resolve } from 'node:path';
import { z } from 'zod';

/** What a server needs to know of its surroundings; read once, here, and passed on as a value. */
export type ServerConfig = {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Everything the server keeps: flows, runs, uploaded files. */
  dataFolder: string;
  /** Pages from these origins may use the server besides its own. */
  allowedOrigins: string[];
  logLevel: LogLevel;
  /** Where the logs go; a file name, or `stderr`. */
  logTo: 'file' | 'stderr';
};

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DEFAULT_PORT = 4100;
export const DEFAULT_HOST = '127.0.0.1';
export const DATA_FOLDER_NAME = '.millrace';

const portSchema = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a number from 0 to 65535')
  .transform(Number)
  .refine((port) => port <= 65_535, 'must be a number from 0 to 65535');

const originsSchema = z.string().transform((text, context) => {
  const origins: string[] = [];
  for (const part of text.split(',').map((entry) => entry.trim())) {
    if (part === '') continue;
    const origin = originOf(part);
    if (origin === null) {
      context.addIssue({
        code: 'custom',
        message: `must list origins such as http://localhost:5173, not ${part}`,
      });
    } else origins.push(origin);
  }
  return origins;
});

const environmentSchema = z.object({
  MILLRACE_HOST: z.string().trim().min(1, 'must name an address to listen on').optional(),
  MILLRACE_PORT: portSchema.optional(),
  MILLRACE_DATA: z.string().min(1, 'must name a folder').optional(),
  MILLRACE_ALLOWED_ORIGINS: originsSchema.optional(),
  MILLRACE_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).optional(),
  MILLRACE_LOG_TO: z.enum(['file', 'stderr'], 'must be file or stderr').optional(),
});

export type ConfigOverrides = { host?: string; port?: string; data?: string };

/** Thrown by `readConfig`; its message lists every variable that cannot be used. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Command-line options win over the environment, the environment over the defaults. */
export function readConfig(
  environment: Record<string, string | undefined>,
  overrides: ConfigOverrides = {},
  workingFolder: string = process.cwd(),
): ServerConfig {
  const given: Record<string, string | undefined> = { ...environment };
  if (overrides.host !== undefined) given.MILLRACE_HOST = overrides.host;
  if (overrides.port !== undefined) given.MILLRACE_PORT = overrides.port;
  if (overrides.data !== undefined) given.MILLRACE_DATA = overrides.data;
  // An empty variable means "not set": that is how shells and compose files unset one.
  const parsed = environmentSchema.safeParse(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== '')),
  );
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new ConfigError(`${lines.join('; ')}.`);
  }
  const values = parsed.data;
  return {
    host: values.MILLRACE_HOST ?? DEFAULT_HOST,
    port: values.MILLRACE_PORT ?? DEFAULT_PORT,
    dataFolder: resolve(workingFolder, values.MILLRACE_DATA ?? DATA_FOLDER_NAME),
    allowedOrigins: values.MILLRACE_ALLOWED_ORIGINS ?? [],
    logLevel: values.MILLRACE_LOG_LEVEL ?? 'info',
    logTo: values.MILLRACE_LOG_TO ?? 'file',
  };
}

function originOf(text: string): string | null {
  try {
    const url = new URL(text);
    return (url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/'
      ? url.origin
      : null;
  } catch {
    return null;
  }
}
