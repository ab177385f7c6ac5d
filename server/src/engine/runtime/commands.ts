import type { EngineCommand } from '../io.ts';
import { refuse } from './answers.ts';
import type { Core } from './core.ts';
import { onCancelRedrive, onRedrive, onResumeRedrive } from './redrive.ts';

/** Takes what a person asks for. An answer that promises something durable waits for its write group. */
export function onCommand(core: Core, requestId: number, command: EngineCommand): void {
  switch (command.type) {
    case 'redrive':
      return onRedrive(core, requestId, command);
    case 'cancel-redrive':
      return onCancelRedrive(core, requestId, command.redriveId);
    case 'resume-redrive':
      return onResumeRedrive(core, requestId, command.redriveId);
    default: {
      const message = `The engine does not know ${command.type}.`;
      return refuse(core, requestId, { code: 'REQUEST_UNKNOWN', message });
    }
  }
}
