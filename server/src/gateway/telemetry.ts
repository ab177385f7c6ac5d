import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { addRunFigures, type RunFigures } from './runTelemetry.ts';

export type TelemetryOptions = { runs(): RunFigures[]; sockets(): number };

/** The figures of `/metrics`, in Prometheus' text format. Figures of runs are those of the active ones. */
export type Telemetry = {
  readonly contentType: string;
  text(): Promise<string>;
  requestRefused(code: string): void;
  handshakeRefused(reason: string): void;
  traceRecordsSkipped(records: number): void;
  logLinesDropped(lines: number): void;
  ingested(messages: number): void;
  ingestRefused(code: string): void;
};

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  new Gauge({
    name: 'millrace_sockets',
    help: 'Connected pages.',
    registers,
    collect() {
      this.set(options.sockets());
    },
  });
  new Gauge({
    name: 'millrace_active_runs',
    help: 'Runs that are not over.',
    registers,
    collect() {
      this.set(options.runs().length);
    },
  });
  addRunFigures(registers, options.runs);

  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> => new Counter({ name, help, labelNames, registers });
  const requests = counter(
    'millrace_socket_requests_refused_total',
    'Requests that were not in the catalog or did not fit it.',
    ['code'],
  );
  const handshakes = counter('millrace_handshakes_refused_total', 'Pages that were not let in.', ['reason']);
  const skipped = counter(
    'millrace_trace_records_skipped_total',
    'Trace records left out because a page was slow.',
  );
  const dropped = counter(
    'millrace_log_lines_dropped_total',
    'Log lines left out because a page was slow or a run said too much.',
  );
  const ingested = counter('millrace_ingested_messages_total', 'Messages taken over HTTP and acknowledged.');
  const ingestRefused = counter('millrace_ingest_refused_total', 'HTTP ingest requests that were refused.', [
    'code',
  ]);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    requestRefused: (code) => requests.inc({ code }),
    handshakeRefused: (reason) => handshakes.inc({ reason }),
    traceRecordsSkipped: (records) => skipped.inc(records),
    logLinesDropped: (lines) => dropped.inc(lines),
    ingested: (messages) => ingested.inc(messages),
    ingestRefused: (code) => ingestRefused.inc({ code }),
  };
}
