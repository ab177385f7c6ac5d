export type FrameScheduler = (work: () => void) => void;

/** A hidden tab paints no frames, but still has to keep up with its stream. */
const HIDDEN_TAB_MS = 50;

/** Does the work once: in the next animation frame, or soon after when there is none. */
export const nextFrame: FrameScheduler = (work) => {
  let isDone = false;
  const once = (): void => {
    if (isDone) return;
    isDone = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    work();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_TAB_MS);
};
