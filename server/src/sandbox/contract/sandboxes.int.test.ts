import { createSandbox } from '../isolatedSandbox.ts';
import { registerSandboxContract } from './sandboxContract.ts';

registerSandboxContract('isolated-vm', createSandbox);
