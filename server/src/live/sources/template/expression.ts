import { TemplateFieldError } from '@millrace/shared/message/template.ts';
import { nearest } from './nearest.ts';
import type { RandomFaker } from './randomFaker.ts';

/** What one item is made from. */
export type ItemFacts = { index: number; timeMs: number };
export type Expression = (item: ItemFacts) => unknown;

/** Modules of faker whose functions a template may call. */
const MODULES = [
  'airline',
  'animal',
  'book',
  'color',
  'commerce',
  'company',
  'database',
  'datatype',
  'date',
  'finance',
  'food',
  'git',
  'hacker',
  'helpers',
  'image',
  'internet',
  'location',
  'lorem',
  'music',
  'number',
  'person',
  'phone',
  'science',
  'string',
  'system',
  'vehicle',
  'word',
] as const;

const OWN: Record<string, (random: RandomFaker) => Expression> = {
  index: () => (item) => item.index,
  now: () => (item) => new Date(item.timeMs).toISOString(),
  time: () => (item) => item.timeMs,
  'string.uuid': (random) => () => random.uuid(),
};

/** `index`, `now`, `time`, `pick a|b|c`, or a function of faker with arguments in JSON. */
export function compileExpression(text: string, random: RandomFaker): Expression {
  const space = text.search(/\s/);
  const name = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? '' : text.slice(space).trim();
  if (name === 'pick') return pick(rest, random);
  const own = rest === '' && Object.hasOwn(OWN, name) ? OWN[name] : undefined;
  if (own) return own(random);
  const call = fakerFunction(name, random);
  const args = parseArguments(name, rest);
  const evaluate = (): unknown => plain(call(args));
  try {
    evaluate();
  } catch (thrown) {
    throw new TemplateFieldError(
      `${name} does not work so: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
  return evaluate;
}

/** Every name a template may use, for messages and completion. */
export function knownNames(random: RandomFaker): string[] {
  const names = ['index', 'now', 'time', 'pick'];
  for (const module of MODULES)
    for (const method of methodsOf(random, module)) names.push(`${module}.${method}`);
  return names;
}

function pick(rest: string, random: RandomFaker): Expression {
  const choices = rest.split('|').map((choice) => choice.trim());
  if (rest === '') throw new TemplateFieldError('pick needs choices, such as pick red|green|blue');
  return () => choices[Math.floor(random.next() * choices.length)];
}

function fakerFunction(name: string, random: RandomFaker): (args: unknown[]) => unknown {
  const [module = '', method = '', ...more] = name.split('.');
  const known = (MODULES as readonly string[]).includes(module) && methodsOf(random, module).includes(method);
  if (!known || more.length > 0) {
    const close = nearest(name, knownNames(random));
    throw new TemplateFieldError(
      `${name === '' ? 'An empty {{}}' : name} is not known. ${close === undefined ? 'Known are index, now, time, pick a|b|c and the functions of faker, such as person.fullName' : `Did you mean ${close}?`}`,
    );
  }
  const owner = Reflect.get(random.faker, module) as Record<string, (...args: unknown[]) => unknown>;
  const call = owner[method] as (...args: unknown[]) => unknown;
  return (args) => call.apply(owner, args);
}

function methodsOf(random: RandomFaker, module: string): string[] {
  const names = new Set<string>();
  for (let at: unknown = Reflect.get(random.faker, module); at !== null && at !== Object.prototype; ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    at = Object.getPrototypeOf(at);
  }
  const owner = Reflect.get(random.faker, module) as Record<string, unknown>;
  return [...names].filter(
    (name) => name !== 'constructor' && !name.startsWith('_') && typeof owner[name] === 'function',
  );
}

/** One JSON value, or several with commas between. */
function parseArguments(name: string, text: string): unknown[] {
  if (text === '') return [];
  try {
    return JSON.parse(`[${text}]`) as unknown[];
  } catch {
    throw new TemplateFieldError(
      `What follows ${name} must be JSON, such as ${name} {"min":1,"max":9}; ${text} is not`,
    );
  }
}

/** JSON has no undefined and no big integers; dates become text by themselves. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === 'bigint' ? value.toString() : value;
}
