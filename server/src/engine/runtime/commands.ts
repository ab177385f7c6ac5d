import type { EngineAnswers, EngineCommand, EngineError } from '../io.ts';
import type { Core } from './core.ts';

/** Takes what a person asks for. An answer that promises something durable waits for its write group. */
export function onCommand(core: Core, requestId: number, command: EngineCommand): void {
  refuse(core, requestId, { code: 'REQUEST_UNKNOWN', message: `The engine does not know ${command.type}.` });
}

export function refuse(core: Core, requestId: number, error: EngineError): void {
  core.effects.push({ type: 'answer', requestId, ok: false, error });
}

export function answer<Type extends EngineCommand['type']>(
  core: Core,
  requestId: number,
  value: EngineAnswers[Type],
): void {
  core.effects.push({ type: 'answer', requestId, ok: true, value });
}
