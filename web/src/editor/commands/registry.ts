import { addingCommands } from './adding.ts';
import { arrangeCommands } from './arrange.ts';
import { breakingCommands } from './breaking.ts';
import { clipboardCommands } from './clipboard.ts';
import type { Command } from './command.ts';
import { editingCommands } from './editing.ts';
import { flowCommands, runCommands } from './flow.ts';
import { viewingCommands } from './viewing.ts';

export const COMMANDS: readonly Command[] = [
  ...editingCommands,
  ...clipboardCommands,
  ...arrangeCommands,
  ...addingCommands,
  ...runCommands,
  ...breakingCommands,
  ...viewingCommands,
  ...flowCommands,
];

const BY_ID = new Map(COMMANDS.map((command) => [command.id, command]));

export function commandById(id: string): Command {
  const command = BY_ID.get(id);
  if (!command) throw new Error(`Invariant broken: no command ${id}`);
  return command;
}
