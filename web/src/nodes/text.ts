export function perSecond(rate: number): string {
  return `${rate.toLocaleString('en')}/s`;
}

/** Expressions mostly begin with where they look; what they compare is the interesting part. */
export function shortExpression(expression: string): string {
  return expression
    .replaceAll(/\bevent\.data\./g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
