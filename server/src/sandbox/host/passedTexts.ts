import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * The texts that isolates answer with are kept outside of V8's heap, where V8 hardly counts them: left alone, this
 * process grows by all that passes through it until its own watch ends it. So it is told to clean up in time, which takes
 * some milliseconds of the thread that hands texts on, not of the isolates.
 */
const CLEAN_UP_AFTER_CHARS = 16 * 1024 * 1024;

/** Only for a moment: contexts made later, those of handlers, must not be given it. */
function takeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

const collect = takeCollector();
let chars = 0;

export function noteText(text: string): void {
  chars += text.length;
  if (chars < CLEAN_UP_AFTER_CHARS) return;
  chars = 0;
  collect();
}
