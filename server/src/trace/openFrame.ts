import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { FrameView } from '@millrace/shared/trace/frameView.ts';

/** Null for a damaged frame, which must not hold up what is asked of the others. */
export function openFrameOrNull(frame: Uint8Array): FrameView | null {
  try {
    return new FrameView(frame);
  } catch (thrown) {
    if (thrown instanceof WorkbenchError && thrown.code === 'STORAGE_CORRUPT') return null;
    throw thrown;
  }
}
