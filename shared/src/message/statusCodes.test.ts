import { expect, it } from 'vitest';
import { isInRanges, parseStatusRanges } from './statusCodes.ts';

it('[KD11] reads ranges of status codes, both ends included', () => {
  const ranges = parseStatusRanges(' 200 - 204, 404,409-409');
  const taken = [199, 200, 202, 204, 205, 404, 405, 409].filter((status) => isInRanges(status, ranges));
  expect(taken).toEqual([200, 202, 204, 404, 409]);
});
