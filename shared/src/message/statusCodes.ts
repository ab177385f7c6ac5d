/** Ranges of HTTP status codes, both ends included. */
export type StatusRanges = readonly { from: number; to: number }[];

/** Reads `200-299, 404`. The schema of a node's config has seen to the form. */
export function parseStatusRanges(text: string): StatusRanges {
  return text.split(',').map((part) => {
    const [from = '', to = from] = part.split('-').map((edge) => edge.trim());
    return { from: Number(from), to: Number(to) };
  });
}

export function isInRanges(status: number, ranges: StatusRanges): boolean {
  return ranges.some(({ from, to }) => status >= from && status <= to);
}
