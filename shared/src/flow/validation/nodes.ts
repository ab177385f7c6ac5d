import { WorkbenchError } from '../../errors/workbenchError.ts';
import { compileMessageJson, compileMessageText, compileMessageUrl } from '../../message/messageTemplate.ts';
import type { FlowDocument, FlowNode } from '../document.ts';
import { parseJsonText } from '../jsonText.ts';
import { ORDER_COLUMN } from '../records/database.ts';
import type { FlowNodeOf } from '../records/node.ts';
import { changeNode, freeName } from './fixes.ts';
import { nodePath, type Problem, type ValidationContext } from './problem.ts';

/** What is wrong with single nodes and with nodes that get in each other's way. */
export function nodeProblems(context: ValidationContext): Problem[] {
  return [
    ...nameProblems(context),
    ...context.document.nodes.flatMap((node) => settingProblems(context, node)),
    ...clashProblems(context),
  ];
}

function nameProblems({ document }: ValidationContext): Problem[] {
  return laterTwins(document.nodes, (node) => node.name).map(({ node, first }) => {
    // Code and dead letters address topics by name, so two topics of one name cannot run.
    const topics =
      node.kind === 'topic' &&
      document.nodes.some((other) => other !== node && other.kind === 'topic' && other.name === node.name);
    const name = freeName(document, node.name);
    return {
      code: 'duplicate-name',
      severity: topics ? 'error' : 'warning',
      message: topics
        ? `Two topics are named ${node.name}: rename one, because code addresses topics by name.`
        : `${node.name} is also the name of another node (${first.kind}): lists and traces will not tell them apart.`,
      path: nodePath(document, node, 'name'),
      nodeId: node.id,
      fixes: [changeNode({ ...node, name }, `Rename to ${name}`)],
    };
  });
}

function laterTwins(
  nodes: readonly FlowNode[],
  keyOf: (node: FlowNode) => string | undefined,
): { node: FlowNode; first: FlowNode }[] {
  const seen = new Map<string, FlowNode>();
  return nodes.flatMap((node) => {
    const key = keyOf(node);
    if (key === undefined) return [];
    const first = seen.get(key);
    if (!first) seen.set(key, node);
    return first ? [{ node, first }] : [];
  });
}

function settingProblems({ document }: ValidationContext, node: FlowNode): Problem[] {
  const problem = (
    code: Problem['code'],
    message: string,
    field: string,
    fixes: Problem['fixes'] = [],
  ): Problem => ({
    code,
    severity: 'error',
    message,
    path: nodePath(document, node, 'config', field),
    nodeId: node.id,
    fixes,
  });
  switch (node.kind) {
    case 'topic':
      if (node.config.schema === null || document.schemas.some((schema) => schema.id === node.config.schema))
        return [];
      return [
        problem('unknown-schema', `${node.name} names a schema that is not in this flow.`, 'schema', [
          changeNode({ ...node, config: { ...node.config, schema: null } }, 'Use no schema'),
        ]),
      ];
    case 'generator':
    case 'schedule': {
      const fault = jsonFault(node.config.payload);
      const problems =
        fault === undefined
          ? []
          : [problem('payload-invalid', `The payload of ${node.name} is not JSON: ${fault}.`, 'payload')];
      if (node.kind === 'schedule' && !looksLikeCron(node.config.cron)) {
        problems.push(
          problem(
            'cron-invalid',
            `“${node.config.cron}” of ${node.name} is not a cron expression: five fields (minute hour day month weekday), or six with seconds first.`,
            'cron',
          ),
        );
      }
      return problems;
    }
    case 'replay':
      if (node.config.speed.mode !== 'by-time' || node.config.timeField !== '') return [];
      return [
        problem(
          'time-field-missing',
          `${node.name} plays by the time field, but none is named.`,
          'timeField',
        ),
      ];
    case 'route': {
      const ports = node.config.routes.map((rule) => rule.port);
      const twice = ports.find((port, index) => ports.indexOf(port) !== index);
      return twice === undefined
        ? []
        : [
            problem(
              'duplicate-port',
              `Two routes of ${node.name} lead to the output ${twice}: give each its own, or join their expressions with ||.`,
              'routes',
            ),
          ];
    }
    case 'call': {
      const { url, headers, body } = node.config;
      const fault = (field: string, compile: () => unknown): Problem[] => {
        const reason = templateFault(compile);
        return reason === undefined ? [] : [problem('template-invalid', `${node.name}: ${reason}`, field)];
      };
      return [
        ...fault('url', () => compileMessageUrl('URL', url)),
        ...headers.flatMap(({ name, value }) =>
          fault('headers', () => compileMessageText(`Header ${name}`, value)),
        ),
        ...(body.from === 'json' ? fault('body', () => compileMessageJson('Body', body.template)) : []),
        ...(body.from === 'text' ? fault('body', () => compileMessageText('Body', body.template)) : []),
      ];
    }
    case 'database': {
      const names = columnNamesOf(node.config);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      return twice === undefined
        ? []
        : [
            problem(
              'duplicate-column',
              `${node.name} writes the column ${twice} twice: give each value a column of its own.`,
              'columns',
            ),
          ];
    }
    case 'batch': {
      const bytesMax = document.settings.messageBytesMax - BATCH_ENVELOPE_BYTES;
      if (node.config.bytesMax <= bytesMax) return [];
      const smaller = { ...node, config: { ...node.config, bytesMax: Math.max(1024, bytesMax) } };
      return [
        problem(
          'batch-too-large',
          `A batch of ${node.name} may take ${node.config.bytesMax} bytes, but a message of this flow only ${document.settings.messageBytesMax}: full batches would be refused.`,
          'bytesMax',
          bytesMax < 1024 ? [] : [changeNode(smaller, `Make batches of at most ${bytesMax} bytes`)],
        ),
      ];
    }
    default:
      return [];
  }
}

/** What a batch takes besides its payload, with room for long names. */
const BATCH_ENVELOPE_BYTES = 2048;

function templateFault(compile: () => unknown): string | undefined {
  try {
    compile();
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkbenchError)) throw error;
    return error.message;
  }
}

function columnNamesOf({ keyColumn, columns, newerWins }: FlowNodeOf<'database'>['config']): string[] {
  const own = columns.as === 'json' ? [columns.column] : columns.columns.map(({ name }) => name);
  return [keyColumn, ...own, ...(newerWins === 'no' ? [] : [ORDER_COLUMN])];
}

function jsonFault(text: string): string | undefined {
  try {
    parseJsonText(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkbenchError)) throw error;
    const { line, column, reason } = error.details ?? {};
    return `line ${line}, column ${column}: ${reason}`;
  }
}

/** Shape only; whether the names and ranges make sense, the calendar says when the flow starts. */
function looksLikeCron(text: string): boolean {
  const trimmed = text.trim();
  if (/^@[a-z]+$/i.test(trimmed)) return true;
  const fields = trimmed.split(/\s+/);
  return (
    (fields.length === 5 || fields.length === 6) && fields.every((field) => /^[\w*/,\-?#]+$/.test(field))
  );
}

function clashProblems({ document }: ValidationContext): Problem[] {
  const paths = laterTwins(document.nodes, (node) =>
    node.kind === 'http' ? node.config.path : undefined,
  ).map(
    ({ node, first }): Problem => ({
      code: 'duplicate-http-path',
      severity: 'error',
      message: `${node.name} and ${first.name} take messages at the same address: give one another path.`,
      path: nodePath(document, node, 'config', 'path'),
      nodeId: node.id,
      fixes:
        node.kind === 'http'
          ? [
              changeNode(
                { ...node, config: { ...node.config, path: freePath(document, node.config.path) } },
                'Use another path',
              ),
            ]
          : [],
    }),
  );
  const files = laterTwins(document.nodes, (node) =>
    node.kind === 'file' ? node.config.path : undefined,
  ).map(
    ({ node, first }): Problem => ({
      code: 'duplicate-file',
      severity: 'warning',
      message: `${node.name} and ${first.name} write to the same file: their lines will be mixed.`,
      path: nodePath(document, node, 'config', 'path'),
      nodeId: node.id,
      fixes: [],
    }),
  );
  return [...paths, ...files];
}

function freePath(document: FlowDocument, path: string): string {
  const taken = new Set(document.nodes.flatMap((node) => (node.kind === 'http' ? [node.config.path] : [])));
  for (let number = 2; ; number++) {
    const candidate = `${path.slice(0, 56)}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
