import { assertNever } from '@millrace/shared/util/assert.ts';
import type { EngineCommand } from '../io.ts';
import type { Core } from './core.ts';
import { healFaults, injectFault } from './faults/commands.ts';
import { onScaleGroup, onSeek, pauseGroup } from './groupCommands.ts';
import { onRefusal } from './ingest.ts';
import { onCancelRedrive, onRedrive, onResumeRedrive } from './redrive.ts';

/** Takes what a person asks for. An answer that promises something durable waits for its write group. */
export function onCommand(core: Core, requestId: number, command: EngineCommand): void {
  switch (command.type) {
    case 'note-refusal':
      return onRefusal(core, requestId, command.producer, command.error);
    case 'pause-group':
      return pauseGroup(core, requestId, command.node, true);
    case 'resume-group':
      return pauseGroup(core, requestId, command.node, false);
    case 'scale-group':
      return onScaleGroup(core, requestId, command.node, command.instances);
    case 'seek':
      return onSeek(core, requestId, command);
    case 'redrive':
      return onRedrive(core, requestId, command);
    case 'cancel-redrive':
      return onCancelRedrive(core, requestId, command.redriveId);
    case 'resume-redrive':
      return onResumeRedrive(core, requestId, command.redriveId);
    case 'inject-fault':
      return injectFault(core, requestId, command.fault);
    case 'heal-fault':
      return healFaults(core, requestId, command.faultId);
    default:
      assertNever(command, 'command');
  }
}
