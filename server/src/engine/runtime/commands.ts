import { assertNever } from '@millrace/shared/util/assert.ts';
import type { EngineCommand } from '../io.ts';
import { refuse } from './answers.ts';
import type { Core } from './core.ts';
import { healFaults, injectFault } from './faults/commands.ts';
import { onScaleGroup, onSeek, pauseGroup } from './groupCommands.ts';

/** Takes what a person asks for. An answer that promises something durable waits for its write group. */
export function onCommand(core: Core, requestId: number, command: EngineCommand): void {
  switch (command.type) {
    case 'pause-group':
      return pauseGroup(core, requestId, command.node, true);
    case 'resume-group':
      return pauseGroup(core, requestId, command.node, false);
    case 'scale-group':
      return onScaleGroup(core, requestId, command.node, command.instances);
    case 'seek':
      return onSeek(core, requestId, command);
    case 'inject-fault':
      return injectFault(core, requestId, command.fault);
    case 'heal-fault':
      return healFaults(core, requestId, command.faultId);
    case 'redrive':
    case 'cancel-redrive':
    case 'resume-redrive':
      return refuse(core, requestId, {
        code: 'REQUEST_UNKNOWN',
        message: `The engine does not know ${command.type}.`,
      });
    default:
      assertNever(command, 'command');
  }
}
