import type { FastifyInstance } from 'fastify';
import type { Telemetry } from '../telemetry.ts';

export type StatusRoutesOptions = {
  telemetry: Telemetry;
  version: string;
  startedMs: number;
  nowMs(): number;
  activeRuns(): number;
};

/** For whatever watches this server: is it up, and how is it doing. */
export function statusRoutes(app: FastifyInstance, options: StatusRoutesOptions): void {
  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return {
      status: 'ok',
      version: options.version,
      uptimeSeconds: Math.round((options.nowMs() - options.startedMs) / 1000),
      activeRuns: options.activeRuns(),
    };
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type(options.telemetry.contentType).header('cache-control', 'no-store');
    return options.telemetry.text();
  });
}
