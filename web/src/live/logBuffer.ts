import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { LOG_LINES_MAX } from './limits.ts';
import { Ring } from './ring.ts';
import { Signal } from './signal.ts';

/** The newest log lines of a run. Lines that the server or this buffer left out are counted. */
export class LogBuffer {
  readonly changed = new Signal();
  readonly lines = new Ring<LogLine>(LOG_LINES_MAX);
  #lastSeq = -1;
  #droppedByServer = 0;

  /** `dropped` lines were left out by the server before these. Lines seen before (a resumed stream) are not added twice. */
  add(lines: readonly LogLine[], dropped: number): void {
    this.#droppedByServer += dropped;
    for (const line of lines) {
      if (line.seq <= this.#lastSeq) continue;
      this.#lastSeq = line.seq;
      this.lines.push(line);
    }
    if (lines.length > 0 || dropped > 0) this.changed.bump();
  }

  get droppedByServer(): number {
    return this.#droppedByServer;
  }

  /** Lines that this tab had and let go, because it keeps only so many. */
  get forgotten(): number {
    return this.lines.first;
  }
}
