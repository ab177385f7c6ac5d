import { expect, it } from 'vitest';
import { withVariables } from './variables.ts';

it('[KD14] fills in variables that are meant for flows', () => {
  const variables = { FLOW_HOST: 'db', FLOW_PASSWORD: 'p$&x' };
  expect(withVariables('Connection', 'postgres://u:${FLOW_PASSWORD}@${FLOW_HOST}/x$1', variables)).toBe(
    'postgres://u:p$&x@db/x$1',
  );
});

it('[KD14] leaves every other variable closed to flows, set or not', () => {
  expect(() => withVariables('URL', 'http://h/${HOME}', { HOME: '/root' })).toThrow(
    /^URL: \$\{HOME\} is not open to flows.*FLOW_/,
  );
});

it('[KD14] says which variable is missing', () => {
  expect(() => withVariables('URL', 'http://h/${FLOW_TOKEN}', {})).toThrow(/no variable FLOW_TOKEN/);
});
