import type { ActiveFault } from '@millrace/shared/faults/fault.ts';

/** A fault that is on. `dirty`: it has fired since it was last written down. */
export type FaultRuntime = ActiveFault & { dirty: boolean };
