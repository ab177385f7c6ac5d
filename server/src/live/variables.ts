import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * A flow may come from a stranger, and what a node sends somewhere leaves this machine: only variables that were set for
 * flows can be named in one.
 */
const PREFIX = 'FLOW_';
const REFERENCE = /\$\{([A-Z][A-Z0-9_]*)\}/g;

/**
 * Fills in `${FLOW_…}` from the environment, so that secrets need not be in the drawing. Throws VARIABLE_MISSING. What
 * comes back may hold secrets and must not be printed; messages show the text as it was drawn.
 */
export function withVariables(field: string, text: string, variables: Variables): string {
  return text.replaceAll(REFERENCE, (_whole, name: string) => {
    if (!name.startsWith(PREFIX)) {
      throw new WorkbenchError(
        'VARIABLE_MISSING',
        `${field}: \${${name}} is not open to flows. Only variables whose names begin with ${PREFIX} are.`,
        { details: { field, variable: name } },
      );
    }
    const value = variables[name];
    if (value === undefined) {
      throw new WorkbenchError(
        'VARIABLE_MISSING',
        `${field}: the environment of the server has no variable ${name}. Set it and start the server again.`,
        { details: { field, variable: name } },
      );
    }
    return value;
  });
}
