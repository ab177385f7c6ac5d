import { Command } from 'commander';
import { productVersion } from '../main.ts';
import { serveCommand } from './serve.ts';

const program = new Command('millrace')
  .description(
    'A visual workbench for event-driven systems: draw a flow, run it, replay it, break it on purpose.',
  )
  .version(productVersion())
  .addCommand(serveCommand());

await program.parseAsync();
