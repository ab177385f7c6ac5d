import { isoTime } from '../time/isoTime.ts';
import type { Message } from './message.ts';
import { keyText, readPath } from './payloadPath.ts';
import {
  type CompileField,
  compileJsonTemplate,
  compileTextTemplate,
  TemplateFieldError,
  textParts,
} from './template.ts';

/** What the fields of a message template are filled in from; the payload is parsed once, when a field asks for it. */
export type MessageFacts = { message: Message; payload: () => unknown };

const OWN: Readonly<Record<string, (message: Message) => unknown>> = {
  id: ({ id }) => id,
  key: ({ key }) => key,
  type: ({ type }) => type,
  subject: ({ subject }) => subject ?? null,
  time: ({ timeMs }) => isoTime(timeMs),
  correlationId: ({ correlationId }) => correlationId,
};

/** What a template may name, for messages and completion. */
export const MESSAGE_FIELDS: readonly string[] = [...Object.keys(OWN), 'data', 'data.path'];

export function factsOf(message: Message): MessageFacts {
  let parsed: { value: unknown } | null = null;
  return {
    message,
    payload: () => {
      parsed ??= { value: JSON.parse(message.data) as unknown };
      return parsed.value;
    },
  };
}

const compileField: CompileField<MessageFacts> = (expression) => {
  if (expression === 'data') return ({ payload }) => payload();
  if (expression.startsWith('data.')) {
    const path = expression.slice('data.'.length);
    return ({ payload }) => readPath(payload(), path) ?? null;
  }
  const own = Object.hasOwn(OWN, expression) ? OWN[expression] : undefined;
  if (own) return ({ message }) => own(message);
  throw new TemplateFieldError(
    `${expression === '' ? 'An empty {{}}' : `{{${expression}}}`} is not known. Known are ${Object.keys(OWN).join(', ')}, data and paths into it, such as data.customer.id`,
  );
};

/** Text; what a message does not have becomes nothing. */
export function compileMessageText(field: string, text: string): (facts: MessageFacts) => string {
  const render = compileTextTemplate(field, text, (expression) => {
    const read = compileField(expression);
    return (facts: MessageFacts) => read(facts) ?? '';
  });
  return render;
}

/** JSON; what a message does not have becomes null. */
export function compileMessageJson(field: string, text: string): (facts: MessageFacts) => string {
  return compileJsonTemplate(field, text, compileField);
}

export type RenderedUrl = { ok: true; url: string } | { ok: false; sentence: string };

/**
 * An address. Values are encoded, so that none can reach beyond its place; one that is missing, or no scalar, or would
 * lead to another folder, makes no address at all.
 */
export function compileMessageUrl(field: string, text: string): (facts: MessageFacts) => RenderedUrl {
  const parts = textParts(field, text, (expression): ((facts: MessageFacts) => RenderedUrl) => {
    const read = compileField(expression);
    return (facts) => {
      const value = keyText(read(facts));
      return value === null || value === ''
        ? {
            ok: false,
            sentence: `{{${expression}}} of the address is missing, empty or no text or number in this message.`,
          }
        : { ok: true, url: encodeURIComponent(value.toWellFormed()) };
    };
  });
  return (facts) => {
    let url = '';
    for (const part of parts) {
      const rendered =
        typeof part === 'string' ? ({ ok: true, url: part } as const) : (part(facts) as RenderedUrl);
      if (!rendered.ok) return rendered;
      url += rendered.url;
    }
    return DOT_SEGMENT.test(pathOf(url))
      ? { ok: false, sentence: 'A field of the address is . or .., which would lead to another place.' }
      : { ok: true, url };
  };
}

const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

function pathOf(url: string): string {
  const afterHost = url.indexOf('/', url.indexOf('://') + 3);
  return afterHost < 0 ? '' : (url.slice(afterHost).split(/[?#]/, 1)[0] as string);
}
