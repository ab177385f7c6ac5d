import { notifications } from '@mantine/notifications';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

const ERROR_SHOWN_MS = 12_000;
const DONE_SHOWN_MS = 4000;

/** Tells that something did not work. `what` names the attempt: "Delete the flow". */
export function showError(what: string, thrown: unknown): void {
  const error = toWorkbenchError(thrown);
  notifications.show({
    title: what,
    message: error.message,
    color: 'red',
    autoClose: ERROR_SHOWN_MS,
    withCloseButton: true,
    role: 'alert',
  });
}

export function showDone(message: string): void {
  notifications.show({ message, autoClose: DONE_SHOWN_MS, role: 'status' });
}

/** Runs an action of the user whose failure is told and whose result nobody waits for. */
export function attempt(what: string, action: () => Promise<unknown>): void {
  action().catch((thrown: unknown) => showError(what, thrown));
}
