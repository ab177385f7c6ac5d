import type { EngineAnswers, EngineCommand, EngineError } from '../io.ts';
import type { Core } from './core.ts';

export function refuse(core: Core, requestId: number, error: EngineError): void {
  core.effects.push({ type: 'answer', requestId, ok: false, error });
}

export function answer(core: Core, requestId: number, value: EngineAnswers[EngineCommand['type']]): void {
  core.effects.push({ type: 'answer', requestId, ok: true, value });
}

/** The answer goes out when the open group is durable. */
export function answerWhenDurable(
  core: Core,
  requestId: number,
  value: EngineAnswers[EngineCommand['type']],
): void {
  core.writes.open.answers.push({ requestId, value });
}
